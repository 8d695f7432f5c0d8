package conn

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// canNetworks are the schemes of Linux's CAN sockets (Documentation/networking/can.rst,
// j1939.rst of the kernel). Host of such an endpoint is the interface, Port the rest:
//
//	can://IFACE[,FILTER...]            frames, each a struct can_frame
//	canfd://IFACE[,FILTER...]          frames, each a struct canfd_frame
//	isotp://IFACE:REQ:RSP              PDUs of ISO 15765-2 between two ids
//	j1939://IFACE[:ADDR[,PGN[,NAME]]]  messages of SAE J1939
//	canbcm://IFACE                     messages to and from the broadcast manager
var canNetworks = []string{"can", "canfd", "isotp", "j1939", "canbcm"}

// The sizes of the frames that a raw socket reads and writes (can.h of Linux).
const (
	canFrameSize   = 16
	canFDFrameSize = 72
)

// Bits of a struct can_frame's id, and of canfd_frame's flags (can.h).
const (
	canExtended = 1 << 31
	canError    = 1 << 29
	canInvert   = canError // in a filter
	canIDBits   = 0x1fffffff
	canFDF      = 0x04
)

// J1939's values for "none" (j1939.h).
const (
	j1939NoAddress = 0xff
	j1939NoPGN     = 0x40000
)

// CAN reports whether e is a CAN socket of any kind.
func (e Endpoint) CAN() bool { return slices.Contains(canNetworks, e.Network) }

// FrameSize is the size of each datagram of e; 0 if it varies.
func (e Endpoint) FrameSize() int {
	switch e.Network {
	case "can":
		return canFrameSize
	case "canfd":
		return canFDFrameSize
	}
	return 0
}

// A canPlace is a parsed endpoint of CAN.
type canPlace struct {
	device   string // empty is all interfaces
	filters  []canFilter
	errors   uint32 // classes of error frames to receive
	all      bool   // a frame has to pass all filters
	req, rsp uint32 // of ISO-TP
	j1939    j1939Address
}

// A canFilter passes frames whose id is id where mask has bits (can_filter).
type canFilter struct{ id, mask uint32 }

// A j1939Address is an address, a parameter group and a name of J1939.
type j1939Address struct {
	name uint64
	pgn  uint32
	addr uint8
}

// canSeparator is what stands behind the interface.
func canSeparator(network string) string {
	if network == "can" || network == "canfd" {
		return ","
	}
	return ":"
}

// parseCAN parses s, the part of an endpoint after scheme://.
func parseCAN(network, s string) (Endpoint, error) {
	e := Endpoint{Network: network}
	e.Host, e.Port, _ = strings.Cut(s, canSeparator(network))
	_, err := e.canPlace()
	if err != nil {
		err = fmt.Errorf("bad endpoint %q: %w", network+"://"+s, err)
	}
	return e, err
}

// canPlace parses e's Host and Port.
func (e Endpoint) canPlace() (p canPlace, err error) {
	p.device = e.Host
	switch {
	case e.Host == "":
		return p, errors.New("the interface is missing")
	case len(e.Host) > 15 || strings.ContainsAny(e.Host, "/ \t\n"): // IFNAMSIZ, netdevice(7)
		return p, fmt.Errorf("%q is no name of an interface", e.Host)
	case e.Host == "any":
		p.device = ""
	}
	p.j1939 = j1939Address{pgn: j1939NoPGN, addr: j1939NoAddress}
	switch e.Network {
	case "can", "canfd":
		return p, p.parseFilters(e.Port)
	case "isotp":
		req, rsp, ok := strings.Cut(e.Port, ":")
		if !ok {
			return p, errors.New("want IFACE:REQ:RSP")
		}
		if p.device == "" {
			return p, errors.New("ISO-TP needs one interface")
		}
		if p.req, err = canID(req); err == nil {
			p.rsp, err = canID(rsp)
		}
		if err == nil && p.req == p.rsp {
			err = errors.New("REQ and RSP are the same id")
		}
		return p, err
	case "j1939":
		if p.device == "" {
			return p, errors.New("J1939 needs one interface")
		}
		if e.Port != "" {
			p.j1939, err = parseJ1939(e.Port)
		}
		return p, err
	}
	if e.Port != "" {
		return p, errors.New("want IFACE alone")
	}
	return p, nil
}

// parseFilters reads candump's filters: ID:MASK, ID~MASK, #ERRMASK and j.
func (p *canPlace) parseFilters(s string) error {
	if s == "" {
		return nil
	}
	for word := range strings.SplitSeq(s, ",") {
		switch {
		case word == "j" || word == "J":
			p.all = true
			continue
		case strings.HasPrefix(word, "#"):
			mask, err := canHex(word[1:], 29)
			if err != nil {
				return fmt.Errorf("bad filter %q: %w", word, err)
			}
			p.errors = uint32(mask)
			continue
		}
		i := strings.IndexAny(word, ":~")
		if i < 0 {
			return fmt.Errorf("bad filter %q: want ID:MASK, ID~MASK, #ERRMASK or j", word)
		}
		id, err := canHex(word[:i], 32)
		mask, e := canHex(word[i+1:], 32)
		if err = errors.Join(err, e); err != nil {
			return fmt.Errorf("bad filter %q: want hexadecimal numbers", word)
		}
		f := canFilter{uint32(id), uint32(mask) &^ canError}
		if len(strings.TrimPrefix(word[:i], "0x")) == 8 {
			f.id |= canExtended
		}
		if word[i] == '~' {
			f.id |= canInvert
		}
		p.filters = append(p.filters, f)
	}
	return nil
}

// canID reads an id: a standard one has up to 3 digits, an extended one 8.
func canID(s string) (uint32, error) {
	n, err := canHex(s, 32)
	switch digits := len(strings.TrimPrefix(s, "0x")); {
	case err != nil || digits > 3 && digits != 8:
		return 0, fmt.Errorf("bad id %q: want 3 hexadecimal digits, or 8 for an extended one", s)
	case digits <= 3 && n > 0x7ff, n > canIDBits:
		return 0, fmt.Errorf("id %s is out of range", s)
	case digits == 8:
		n |= canExtended
	}
	return uint32(n), nil
}

// parseJ1939 reads ADDR[,PGN[,NAME]].
func parseJ1939(s string) (a j1939Address, err error) {
	words := strings.Split(s, ",")
	a.pgn = j1939NoPGN
	for i, word := range words {
		var n uint64
		switch i {
		case 0:
			n, err = canHex(word, 8)
			a.addr = uint8(n)
		case 1:
			n, err = canHex(word, 18)
			a.pgn = uint32(n)
		case 2:
			a.name, err = canHex(word, 64)
		default:
			err = errors.New("too many parts")
		}
		if err != nil {
			return a, fmt.Errorf("bad J1939 address %q: want ADDR[,PGN[,NAME]] in hexadecimal", s)
		}
	}
	return a, nil
}

// CheckJ1939 returns an error if s is not ADDR[,PGN[,NAME]] or empty.
func CheckJ1939(s string) error {
	if s == "" {
		return nil
	}
	_, err := parseJ1939(s)
	return err
}

// canHex reads a hexadecimal number of at most that many bits.
func canHex(s string, bits int) (uint64, error) {
	return strconv.ParseUint(strings.TrimPrefix(s, "0x"), 16, bits)
}

// A canAddr is the address of a CAN socket.
type canAddr struct{ Endpoint }

func (a canAddr) Network() string { return a.Endpoint.Network }
func (a canAddr) String() string  { return a.Endpoint.Address() }

// canPackets is a CAN socket as a [net.PacketConn].
type canPackets struct {
	*canConn
	in  *inbox
	out *outbox
}

// ReadFrom returns the next datagram, or as much of it as fits in p, and its sender.
func (c *canPackets) ReadFrom(p []byte) (n int, from net.Addr, err error) {
	n, _, err = c.in.read(p, false, 1, func(s *arrival) bool {
		from = c.sender(s.from)
		return true
	})
	c.in.rest = nil
	return n, from, err
}

// WriteTo sends p to the sender of a datagram.
func (c *canPackets) WriteTo(p []byte, to net.Addr) (int, error) {
	return c.out.send(p, nil, &packetPeer{addr: to, sockaddr: c.sockaddr(to)})
}
