// Package proxy connects through another host: a SOCKS 4, 4a or 5 server, or
// an HTTP proxy that knows CONNECT.
//
// [Parse] reads what a user writes, and [Proxy.DialContext] is a dial function
// like any other: it connects to the proxy by the dial function it was given,
// says whom it wants, and hands back that very connection. Each reply is read
// to its last byte and no further, so that what the far end says right behind
// it is still there to be read, the kernel's fast paths and half-closes work,
// and it does not show that there was a proxy.
//
// A proxy is not trusted: what it says is bounded, only ever quoted in an
// error, and waited for no longer than the context allows.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gcat/internal/errno"
)

// A Scheme is how a proxy wants to be spoken to.
type Scheme string

// The schemes.
const (
	SOCKS5  Scheme = "socks5"  // RFC 1928, RFC 1929; names are looked up by the proxy
	SOCKS4  Scheme = "socks4"  // IPv4 only; names are looked up here
	SOCKS4a Scheme = "socks4a" // names are looked up by the proxy
	CONNECT Scheme = "connect" // RFC 9110, 9.3.6; names are looked up by the proxy
)

// A Proxy is one proxy and how to speak to it.
type Proxy struct {
	// Scheme is what it speaks; empty means SOCKS5.
	Scheme Scheme
	// Host and Port are where it listens; the port may be a service's name.
	Host, Port string
	// User is who we are to it; empty is no user.
	User string
	// Password belongs to User; SOCKS4 has none.
	Password string
	// Forward connects to the proxy; nil is a plain [net.Dialer].
	Forward func(ctx context.Context, network, address string) (net.Conn, error)
}

// Addr is the proxy's address as it is dialled and named in errors.
func (p Proxy) Addr() string { return net.JoinHostPort(p.Host, p.Port) }

// DialContext connects to address (HOST:PORT) through the proxy; network is
// that of the connection to the proxy. The result is the connection that
// Forward made.
func (p Proxy) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	t, err := p.target(ctx, address)
	if err != nil {
		return nil, &Error{kind: "proxy", text: p.name() + ": " + err.Error()}
	}
	forward := p.Forward
	if forward == nil {
		forward = new(net.Dialer).DialContext
	}
	c, err := forward(ctx, network, p.Addr())
	if err != nil {
		return nil, p.unreachable(err)
	}
	if err := p.converse(ctx, c, t); err != nil {
		_ = c.Close()
		return nil, p.explain(ctx, err)
	}
	return c, nil
}

// converse asks the proxy for t over c, for as long as ctx lets it.
func (p Proxy) converse(ctx context.Context, c net.Conn, t target) error {
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(deadline); err != nil {
			return err
		}
	}
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = c.SetDeadline(time.Unix(1, 0)) // wakes pending reads and writes
		close(interrupted)
	})
	err := p.ask(c, t)
	if garbage, ok := errors.AsType[*garbageError](err); ok {
		garbage.readOn(c)
	}
	if !stop() {
		<-interrupted
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	return c.SetDeadline(time.Time{})
}

func (p Proxy) ask(rw io.ReadWriter, t target) error {
	switch p.Scheme {
	case SOCKS4, SOCKS4a:
		return p.socks4(rw, t)
	case CONNECT:
		return p.connect(rw, t)
	}
	return p.socks5(rw, t)
}

// A target is whom the proxy is asked for: an address, or a name that the proxy
// looks up.
type target struct {
	ip   netip.Addr // not valid: name is to be looked up
	name string
	port uint16
}

func (t target) host() string {
	if t.ip.IsValid() {
		return t.ip.String()
	}
	return t.name
}

func (t target) String() string {
	return net.JoinHostPort(t.host(), strconv.Itoa(int(t.port)))
}

// target reads address, and for SOCKS4 looks its name up.
func (p Proxy) target(ctx context.Context, address string) (target, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return target{}, fmt.Errorf("bad address %.300q", address)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		n, err := net.DefaultResolver.LookupPort(ctx, "tcp", service)
		if err != nil {
			return target{}, fmt.Errorf("no such port %.100q", service)
		}
		port = uint64(n)
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
		if t.ip, err = lookupIPv4(ctx, host); err != nil {
			return target{}, err
		}
	}
	if t.ip.Is6() && (p.Scheme == SOCKS4 || p.Scheme == SOCKS4a) {
		return target{}, fmt.Errorf("SOCKS4 reaches no IPv6 address (%s)", t.ip)
	}
	return t, nil
}

// checkName refuses a name that no protocol here can carry: all count its bytes
// in one byte or end it by a zero byte, a blank or a line's end.
func checkName(host string) error {
	if host == "" || len(host) > 255 {
		return fmt.Errorf("a host name has 1 to 255 bytes: %.40q", host)
	}
	for _, b := range []byte(host) {
		if b <= ' ' || b == 0x7f {
			return fmt.Errorf("bad host name %q", host)
		}
	}
	return nil
}

func lookupIPv4(ctx context.Context, host string) (netip.Addr, error) {
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
	if err != nil || len(ips) == 0 {
		return netip.Addr{}, fmt.Errorf("%q has no IPv4 address, and SOCKS4 needs one", host)
	}
	return ips[0].Unmap(), nil
}

// An Error is a connection that did not come about, because of the proxy or
// beyond it. It has no cause to unwrap: its text is all there is to say.
type Error struct {
	kind, text string
}

func (e *Error) Error() string { return e.text }

// Kind is "proxy", "timeout" if the context's deadline passed, or what the
// error of Forward said of itself.
func (e *Error) Kind() string { return e.kind }

func (p Proxy) name() string { return "proxy " + p.Addr() }

// unreachable is the proxy that could not even be connected to.
func (p Proxy) unreachable(err error) error {
	e := &Error{kind: "proxy", text: "proxy: " + err.Error()}
	if k, ok := errors.AsType[interface {
		error
		Kind() string
	}](err); ok {
		e.kind = k.Kind()
	}
	return e
}

// explain puts a failure in the proxy's presence into words.
func (p Proxy) explain(ctx context.Context, err error) error {
	e := &Error{kind: "proxy"}
	switch number, isErrno := errors.AsType[syscall.Errno](errno.Posix(err)); {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		e.kind, e.text = "timeout", "waiting for its answer timed out"
	case ctx.Err() != nil:
		e.text = "given up"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.text = "it closed the connection instead of answering"
	case isErrno:
		e.text = errno.Words(number)
	default:
		e.text = err.Error()
	}
	e.text = p.name() + ": " + e.text
	return e
}

// A garbageError is an answer that is not of the protocol. It quotes how the
// answer begins.
type garbageError struct {
	scheme string
	begin  []byte
}

// quoted is how many bytes of a proxy's words an error quotes at most.
const quoted = 120

func garbage(scheme string, begin []byte) error {
	return &garbageError{scheme: scheme, begin: append([]byte(nil), begin...)}
}

func (e *garbageError) Error() string {
	return fmt.Sprintf("it does not speak %s: it sent %s", e.scheme, quote(string(e.begin)))
}

// readOn reads what has come behind the first wrong byte, for the quotation; it
// waits no longer than a moment.
func (e *garbageError) readOn(c net.Conn) {
	_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // without one, one Read at most waits for ctx
	buf := make([]byte, quoted)
	for len(e.begin) <= quoted {
		n, err := c.Read(buf)
		e.begin = append(e.begin, buf[:n]...)
		if err != nil {
			return
		}
	}
}

// quote is s as %q, of bounded length.
func quote(s string) string {
	if len(s) > quoted {
		return strconv.Quote(s[:quoted]) + "..."
	}
	return strconv.Quote(strings.TrimRight(s, "\r\n"))
}
