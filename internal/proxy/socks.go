package proxy

import (
	"errors"
	"fmt"
	"io"
)

// socks5Replies are the meanings of RFC 1928, section 6.
var socks5Replies = [...]string{
	1: "general SOCKS server failure",
	2: "connection not allowed by ruleset",
	3: "network unreachable",
	4: "host unreachable",
	5: "connection refused",
	6: "TTL expired",
	7: "command not supported",
	8: "address type not supported",
}

// socks5 asks for t by SOCKS5 (RFC 1928), with the user name and password of RFC 1929
// if there is a user.
func (p Proxy) socks5(rw io.ReadWriter, t target) error {
	hello := []byte{5, 1, 0}
	if p.User != "" {
		hello = []byte{5, 2, 0, 2}
	}
	if _, err := rw.Write(hello); err != nil {
		return err
	}
	method, err := readSocks5Method(rw, p.User != "")
	if err != nil {
		return err
	}
	if method == 2 {
		if err := p.socks5Password(rw); err != nil {
			return err
		}
	}
	request := []byte{5, 1, 0}
	switch {
	case t.ip.Is4():
		request = append(append(request, 1), t.ip.AsSlice()...)
	case t.ip.Is6():
		request = append(append(request, 4), t.ip.AsSlice()...)
	default:
		request = append(append(request, 3, byte(len(t.name))), t.name...)
	}
	if _, err := rw.Write(append(request, byte(t.port>>8), byte(t.port))); err != nil {
		return err
	}
	return readSocks5Reply(rw, t)
}

// readSocks5Method reads the authentication method that the proxy has chosen: 0 is none,
// 2 is a user name and password.
func readSocks5Method(r io.Reader, user bool) (byte, error) {
	var b [2]byte
	if n, err := io.ReadFull(r, b[:1]); err != nil {
		return 0, cutShort(b[:n], err)
	}
	if b[0] != 5 {
		return 0, newGarbage("SOCKS5", b[:1])
	}
	if _, err := io.ReadFull(r, b[1:]); err != nil {
		return 0, cutShort(b[:1], err)
	}
	switch {
	case b[1] == 0, b[1] == 2 && user:
		return b[1], nil
	case b[1] == 0xff && !user:
		return 0, errors.New("it refused: it wants to know who we are (a user name and password)")
	case b[1] == 0xff:
		return 0, errors.New("it refused: it takes no user name and password")
	}
	return 0, fmt.Errorf("it wants a way to authenticate that was not offered (SOCKS5 method %d)", b[1])
}

func (p Proxy) socks5Password(rw io.ReadWriter) error {
	request := append([]byte{1, byte(len(p.User))}, p.User...)
	request = append(append(request, byte(len(p.Password))), p.Password...)
	if _, err := rw.Write(request); err != nil {
		return err
	}
	var b [2]byte
	if n, err := io.ReadFull(rw, b[:]); err != nil {
		return cutShort(b[:n], err)
	}
	switch {
	case b[0] != 1:
		return newGarbage("SOCKS5", b[:])
	case b[1] != 0:
		return errors.New("it refused the user name or password")
	}
	return nil
}

// readSocks5Reply reads the reply to a request, with the address that the proxy has
// bound, which is not used.
func readSocks5Reply(r io.Reader, t target) error {
	var b [4 + 1 + 255 + 2]byte
	if n, err := io.ReadFull(r, b[:2]); err != nil {
		return cutShort(b[:n], err)
	}
	if b[0] != 5 {
		return newGarbage("SOCKS5", b[:2])
	}
	if code := b[1]; code != 0 {
		words, refuse := "no such reply is known", temporary
		if int(code) < len(socks5Replies) {
			words = socks5Replies[code]
		}
		if code == 2 || code >= 7 { // a rule, or not supported
			refuse = fmt.Errorf
		}
		return refuse("it cannot connect to %s: %s (SOCKS5 reply %d)", t, words, code)
	}
	if n, err := io.ReadFull(r, b[2:5]); err != nil {
		return cutShort(b[:2+n], err)
	}
	var rest int // of the address, and the port
	switch b[3] {
	case 1:
		rest = 4 - 1 + 2
	case 3:
		rest = int(b[4]) + 2
	case 4:
		rest = 16 - 1 + 2
	default:
		return newGarbage("SOCKS5", b[:5])
	}
	if n, err := io.ReadFull(r, b[5:5+rest]); err != nil {
		return cutShort(b[:5+n], err)
	}
	return nil
}

// socks4 asks for t by SOCKS4 (the memo "SOCKS: A protocol for TCP proxy across
// firewalls"), or by SOCKS4a, where a name follows the address 0.0.0.1.
func (p Proxy) socks4(rw io.ReadWriter, t target) error {
	ip, name := []byte{0, 0, 0, 1}, t.name+"\x00"
	if t.ip.IsValid() {
		ip, name = t.ip.AsSlice(), ""
	}
	request := append([]byte{4, 1, byte(t.port >> 8), byte(t.port)}, ip...)
	if _, err := rw.Write(append(request, p.User+"\x00"+name...)); err != nil {
		return err
	}
	return readSocks4Reply(rw, t)
}

func readSocks4Reply(r io.Reader, t target) error {
	var b [8]byte
	if n, err := io.ReadFull(r, b[:2]); err != nil {
		return cutShort(b[:n], err)
	}
	if b[0] != 0 || b[1] < 90 || b[1] > 93 {
		return newGarbage("SOCKS4", b[:2])
	}
	if n, err := io.ReadFull(r, b[2:]); err != nil && b[1] == 90 {
		return cutShort(b[:2+n], err)
	}
	switch b[1] {
	case 90:
		return nil
	case 92:
		return fmt.Errorf("it cannot connect to %s: it found no identd here (SOCKS4 reply 92)", t)
	case 93:
		return fmt.Errorf("it cannot connect to %s: identd here names another user (SOCKS4 reply 93)", t)
	}
	return temporary("it cannot connect to %s: rejected or failed (SOCKS4 reply 91)", t)
}
