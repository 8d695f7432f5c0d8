// Package proxy asks a proxy for a connection to another host: a SOCKS 4, 4a or 5
// server, or an HTTP proxy with CONNECT.
//
// [Parse] reads the proxy of a command line, and [Proxy.Connect] negotiates over a
// connection to it. Each reply is read to its last byte and no further: the bytes
// after it are the target's.
//
// A proxy is not trusted: its replies are bounded, and errors quote them.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gcat/internal/conn"
)

// A Scheme is the protocol of a proxy.
type Scheme string

// The schemes. The proxy looks names up, except with SOCKS4.
const (
	SOCKS5  Scheme = "socks5"  // RFC 1928, RFC 1929
	SOCKS4  Scheme = "socks4"  // IPv4 only
	SOCKS4a Scheme = "socks4a" // IPv4 and names
	CONNECT Scheme = "connect" // RFC 9110, 9.3.6
)

// A Proxy is a proxy and the user's account on it.
type Proxy struct {
	// Scheme is its protocol; empty is SOCKS5.
	Scheme Scheme
	// Host and Port are its address; the port may be the name of a service.
	Host, Port string
	// User is the user's name on it; empty is none.
	User string
	// Password is the user's; SOCKS4 has none.
	Password string
}

// Addr returns the proxy's address, HOST:PORT.
func (p Proxy) Addr() string { return net.JoinHostPort(p.Host, p.Port) }

// Connect asks the proxy at the other end of c for a connection to address (HOST:PORT).
// Then c leads to address. The error is a [conn.Error] of kind [conn.Proxy], or
// [conn.Timeout] if ctx's deadline has passed; c is then of no further use, and not
// closed.
func (p Proxy) Connect(ctx context.Context, c net.Conn, address string) error {
	failed := &conn.Error{Why: conn.Proxy, Op: "proxy " + p.Addr()}
	t, err := p.target(ctx, address)
	if err != nil {
		failed.Err = err
		return failed
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	err = p.request(c, t)
	if g, ok := errors.AsType[*garbage](err); ok {
		g.readOn(c)
	}
	ended := !stop()
	_, isErrno := errors.AsType[syscall.Errno](err)
	switch {
	case ended && errors.Is(ctx.Err(), context.DeadlineExceeded):
		failed.Why, failed.Err = conn.Timeout, errors.New("waiting for its answer timed out")
	case ended:
		failed.Err = errors.New("given up")
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		failed.Err = temporary("it closed the connection instead of answering")
	case isErrno:
		failed.Err = temporary("%s", conn.Words(err))
	default:
		failed.Err = err
	}
	return failed
}

func (p Proxy) request(rw io.ReadWriter, t target) error {
	switch p.Scheme {
	case SOCKS4, SOCKS4a:
		return p.socks4(rw, t)
	case CONNECT:
		return p.connect(rw, t)
	}
	return p.socks5(rw, t)
}

// A target is what the proxy is asked for: an address, or a name that the proxy looks
// up.
type target struct {
	ip   netip.Addr // if it is not valid, name is looked up
	name string
	port uint16
}

func (t target) String() string {
	host := t.name
	if t.ip.IsValid() {
		host = t.ip.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(int(t.port)))
}

// target reads address. For SOCKS4 it looks the name up.
func (p Proxy) target(ctx context.Context, address string) (target, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return target{}, fmt.Errorf("bad address %.300q", address)
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", service)
	if err != nil {
		return target{}, fmt.Errorf("no such port %.100q", service)
	}
	t := target{name: host, port: uint16(port)}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" {
			return target{}, fmt.Errorf("the zone of %q means nothing to a proxy", host)
		}
		t.ip = ip.Unmap()
	} else if err := checkName(host); err != nil {
		return target{}, err
	}
	if p.Scheme == SOCKS4 && !t.ip.IsValid() {
		ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
		if err != nil {
			return target{}, fmt.Errorf("SOCKS4 needs an IPv4 address of %q: %s", host, conn.Words(err))
		}
		t.ip = ips[0].Unmap()
	}
	if t.ip.Is6() && (p.Scheme == SOCKS4 || p.Scheme == SOCKS4a) {
		return target{}, fmt.Errorf("SOCKS4 reaches no IPv6 address (%s)", t.ip)
	}
	return t, nil
}

// checkName returns an error for a name that a protocol cannot carry: its length has
// one byte, and a zero byte, a blank or a line end ends it.
func checkName(host string) error {
	if host == "" || len(host) > 255 {
		return fmt.Errorf("a host name has 1 to 255 bytes: %.40q", host)
	}
	if strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return fmt.Errorf("bad host name %q", host)
	}
	return nil
}

// temporary returns the error of a failure that may have passed when the proxy is asked
// again. All others are final: a wrong password that is repeated may lock the account.
func temporary(format string, args ...any) error {
	return &conn.Error{Why: conn.Proxy, Transient: true, Err: fmt.Errorf(format, args...)}
}

// cutShort returns the error of an answer of which only got was read.
func cutShort(got []byte, err error) error {
	if len(got) > 0 && (err == io.EOF || err == io.ErrUnexpectedEOF) {
		return temporary("it closed the connection in the middle of its answer %s", quote(string(got)))
	}
	return err
}

// garbage is an answer that is not of the protocol.
type garbage struct {
	protocol string
	begin    []byte // of the answer
}

func newGarbage(protocol string, begin []byte) error {
	return &garbage{protocol, append([]byte(nil), begin...)}
}

func (g *garbage) Error() string {
	return fmt.Sprintf("it does not speak %s: it sent %s", g.protocol, quote(string(g.begin)))
}

// garbageLimit is how long an answer that is none may go on, for the error.
const garbageLimit = 100 * time.Millisecond

// readOn reads what follows the first wrong byte within garbageLimit.
func (g *garbage) readOn(c net.Conn) {
	_ = c.SetReadDeadline(time.Now().Add(garbageLimit)) // without it, ctx ends the read
	more, _ := io.ReadAll(io.LimitReader(c, int64(maxQuoted+1-len(g.begin))))
	g.begin = append(g.begin, more...)
}

// maxQuoted is how many bytes of an answer an error quotes.
const maxQuoted = 120

// quote returns the begin of s as %q, without the line end.
func quote(s string) string {
	if len(s) > maxQuoted {
		return strconv.Quote(s[:maxQuoted]) + "..."
	}
	return strconv.Quote(strings.TrimRight(s, "\r\n"))
}
