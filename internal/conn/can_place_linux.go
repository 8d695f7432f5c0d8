package conn

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// J1939's values for "none" (j1939.h).
const (
	j1939NoAddress = 0xff
	j1939NoPGN     = 0x40000
)

// A canPlace is a parsed endpoint of CAN.
type canPlace struct {
	protocol int
	device   string // empty is all interfaces
	filters  []unix.CanFilter
	errors   uint32 // classes of error frames to receive
	all      bool   // a frame has to pass all filters
	req, rsp uint32 // of ISO-TP
	j1939    unix.SockaddrCANJ1939
}

// canPlace parses e's Host and Port.
func (e Endpoint) canPlace() (p canPlace, err error) {
	p.device = e.Host
	switch {
	case e.Host == "":
		return p, errors.New("the interface is missing")
	case len(e.Host) >= unix.IFNAMSIZ || strings.ContainsAny(e.Host, "/ \t\n"): // netdevice(7)
		return p, fmt.Errorf("%q is no name of an interface", e.Host)
	case e.Host == "any":
		p.device = ""
	}
	switch e.Network {
	case "can", "canfd":
		p.protocol = unix.CAN_RAW
		err = p.parseFilters(e.Port)
	case "isotp":
		p.protocol = unix.CAN_ISOTP
		if p.device == "" {
			return p, errors.New("ISO-TP needs one interface")
		}
		err = p.parseIDs(e.Port)
	case "j1939":
		p.protocol = unix.CAN_J1939
		if p.device == "" {
			return p, errors.New("J1939 needs one interface")
		}
		p.j1939, err = parseJ1939(e.Port)
	default:
		p.protocol = unix.CAN_BCM
		if e.Port != "" {
			err = errors.New("want IFACE alone")
		}
	}
	return p, err
}

// parseFilters reads candump's filters: ID:MASK, ID~MASK, #ERRMASK and j.
func (p *canPlace) parseFilters(s string) error {
	if s == "" {
		return nil
	}
	for word := range strings.SplitSeq(s, ",") {
		if word == "j" || word == "J" {
			p.all = true
			continue
		}
		if rest, ok := strings.CutPrefix(word, "#"); ok {
			mask, err := canHex(rest, 32)
			if err != nil {
				return fmt.Errorf("bad filter %q: want a hexadecimal number of 32 bits", word)
			}
			p.errors = uint32(mask) // of which the kernel takes CAN_ERR_MASK
			continue
		}
		i := strings.IndexAny(word, ":~")
		if i < 0 {
			return fmt.Errorf("bad filter %q: want ID:MASK, ID~MASK, #ERRMASK or j", word)
		}
		id, err := canHex(word[:i], 32)
		mask, e := canHex(word[i+1:], 32)
		if err = errors.Join(err, e); err != nil {
			return fmt.Errorf("bad filter %q: want hexadecimal numbers of 32 bits", word)
		}
		f := unix.CanFilter{Id: uint32(id), Mask: uint32(mask) &^ unix.CAN_ERR_FLAG}
		if len(strings.TrimPrefix(word[:i], "0x")) == 8 {
			f.Id |= unix.CAN_EFF_FLAG
		}
		if word[i] == '~' {
			f.Id |= unix.CAN_INV_FILTER
		}
		p.filters = append(p.filters, f)
	}
	return nil
}

// parseIDs reads REQ:RSP.
func (p *canPlace) parseIDs(s string) (err error) {
	req, rsp, ok := strings.Cut(s, ":")
	if !ok {
		return errors.New("want IFACE:REQ:RSP")
	}
	if p.req, err = canID(req); err == nil {
		p.rsp, err = canID(rsp)
	}
	if err == nil && p.req == p.rsp {
		err = errors.New("REQ and RSP are the same id")
	}
	return err
}

// canID reads an id: a standard one has up to 3 digits, an extended one 8.
func canID(s string) (uint32, error) {
	n, err := canHex(s, 32)
	switch digits := len(strings.TrimPrefix(s, "0x")); {
	case err != nil || digits > 3 && digits != 8:
		return 0, fmt.Errorf("bad id %q: want 3 hexadecimal digits, or 8 for an extended one", s)
	case digits <= 3 && n > unix.CAN_SFF_MASK, n > unix.CAN_EFF_MASK:
		return 0, fmt.Errorf("id %s is out of range", s)
	case digits == 8:
		n |= unix.CAN_EFF_FLAG
	}
	return uint32(n), nil
}

// parseJ1939 reads ADDR[,PGN[,NAME]], or nothing.
func parseJ1939(s string) (a unix.SockaddrCANJ1939, err error) {
	numbers := [...]uint64{j1939NoAddress, j1939NoPGN, 0}
	words := strings.Split(s, ",")
	if s == "" {
		words = nil
	}
	for i, word := range words {
		if i < len(numbers) {
			numbers[i], err = canHex(word, [...]int{8, 18, 64}[i])
		}
		if err != nil || i >= len(numbers) {
			return a, fmt.Errorf("bad J1939 address %q: want ADDR[,PGN[,NAME]] in hexadecimal", s)
		}
	}
	a.Addr, a.PGN, a.Name = uint8(numbers[0]), uint32(numbers[1]), numbers[2]
	if a.PGN < j1939NoPGN && a.PGN&0xff00 < 0xf000 && a.PGN&0xff != 0 { // PDU1: an identifier has the address there
		err = fmt.Errorf("bad PGN %05x: its messages go to one address, so its last two digits are 00", a.PGN)
	}
	return a, err
}

// CheckJ1939 returns an error if s is not ADDR[,PGN[,NAME]] or empty.
func CheckJ1939(s string) error {
	_, err := parseJ1939(s)
	return err
}

// canHex reads a hexadecimal number of at most that many bits.
func canHex(s string, bits int) (uint64, error) {
	return strconv.ParseUint(strings.TrimPrefix(s, "0x"), 16, bits)
}
