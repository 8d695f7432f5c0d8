package conn

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// An Endpoint is an address of a socket as a user writes it.
type Endpoint struct {
	// Network is tcp, tcp4, tcp6, udp, udp4, udp6, unix, unixgram, unixpacket,
	// tls, vsock or one of CAN's (can.go).
	Network string
	// Host is a name or an address; empty is all addresses when listening and
	// the loopback when connecting. For vsock it is the context identifier.
	Host string
	// Port is a number or a service's name.
	Port string
	// Path names a Unix socket; a leading @ is Linux's abstract name space.
	Path string
	// TLS says that TLS is spoken there, as it is if Network is tls. This package does
	// not speak it.
	TLS bool
}

// A Syntax is how the short spellings of an endpoint are read.
type Syntax struct {
	// Listening allows a PORT alone, and port 0.
	Listening bool
	// Network is the network of an endpoint without SCHEME://; empty means tcp.
	Network string
	// Host is the host of a PORT alone; empty means all addresses.
	Host string
}

var networks = []string{
	"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6",
	"unix", "unixgram", "unixpacket", "tls", "vsock",
	"can", "canfd", "isotp", "j1939", "canbcm",
}

// ParseEndpoint reads one of the spellings HOST:PORT, [V6]:PORT, :PORT, PORT,
// SCHEME://..., a path with a slash in it, @NAME or unix:PATH. The error may have
// a hint ([Error.Hint]).
func ParseEndpoint(s string, syntax Syntax) (Endpoint, error) {
	e := Endpoint{Network: cmp.Or(syntax.Network, "tcp")}
	scheme, rest, ok := strings.Cut(s, "://")
	word, behind, colon := strings.Cut(s, ":")
	switch {
	case ok && !strings.Contains(scheme, "/"):
		if !slices.Contains(networks, scheme) {
			return e, badEndpoint(s, fmt.Errorf("no such scheme %q", scheme), respelled(scheme, rest))
		}
		e.Network, e.TLS = scheme, scheme == "tls"
	case colon && strings.HasPrefix(word, "unix") && slices.Contains(networks, word):
		e.Network, rest = word, behind
	case colon && respelled(word, behind) != "":
		return e, badEndpoint(s, errors.New("a scheme is written SCHEME://"), respelled(word, behind))
	default:
		rest = s
		if strings.HasPrefix(s, "@") || strings.Contains(s, "/") {
			switch {
			case e.Datagram():
				e.Network = "unixgram"
			case e.Network != "unixpacket":
				e.Network = "unix"
			}
		}
	}
	if e.Unix() {
		e.Path = rest
		switch {
		case rest == "" || rest == "@":
			return e, fmt.Errorf("bad endpoint %q: the path is empty", s)
		case strings.IndexByte(rest, 0) >= 0:
			return e, fmt.Errorf("bad endpoint %q: a path holds no NUL", s)
		}
		return e, nil
	}
	if e.CAN() {
		return parseCAN(e.Network, rest)
	}
	host, port, err := splitHostPort(rest, syntax)
	if err != nil {
		return e, fmt.Errorf("bad endpoint %q: %w", s, err)
	}
	e.Host, e.Port = host, port
	if e.Network != "vsock" {
		e.Host = literal(host)
	}
	return e, e.check(syntax.Listening)
}

// badEndpoint is the error of the endpoint s, with what to type instead.
func badEndpoint(s string, why error, try string) error {
	return &Error{Why: BadAddress, Op: fmt.Sprintf("bad endpoint %q", s), Err: why, Try: try}
}

// ParseHostPort reads an endpoint given as two words; the host may be an IPv6
// address with or without brackets.
func ParseHostPort(host, port string, syntax Syntax) (Endpoint, error) {
	e := Endpoint{Network: cmp.Or(syntax.Network, "tcp"), Host: literal(unbracket(host)), Port: port}
	if strings.Contains(host, "://") || strings.Contains(host, "/") {
		return e, fmt.Errorf("bad host %q: an endpoint needs no port behind it", host)
	}
	if strings.Contains(e.Host, ":") {
		if _, err := netip.ParseAddr(e.Host); err != nil {
			return e, fmt.Errorf("bad host %q: HOST:PORT needs no port behind it", host)
		}
	}
	return e, e.check(syntax.Listening)
}

func splitHostPort(s string, syntax Syntax) (host, port string, err error) {
	if s == "" {
		return "", "", fmt.Errorf("it is empty")
	}
	if !strings.Contains(s, ":") {
		if !syntax.Listening {
			return "", "", fmt.Errorf("want HOST:PORT")
		}
		return syntax.Host, s, nil
	}
	if !strings.HasPrefix(s, "[") && strings.Count(s, ":") > 1 {
		return "", "", fmt.Errorf("an IPv6 address with a port is written [V6]:PORT")
	}
	host, port, err = net.SplitHostPort(s)
	if err != nil {
		return "", "", fmt.Errorf("want HOST:PORT or [V6]:PORT")
	}
	if strings.HasPrefix(s, "[") && !strings.Contains(host, ":") {
		return "", "", fmt.Errorf("%q is no IPv6 address", host)
	}
	return host, port, nil
}

func unbracket(host string) string {
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return host[1 : len(host)-1]
	}
	return host
}

// check refuses invalid ports and hosts.
func (e Endpoint) check(listening bool) error {
	if e.Network == "vsock" {
		if _, err := strconv.ParseUint(e.Port, 10, 32); err != nil {
			return fmt.Errorf("bad vsock port %q: want a number", e.Port)
		}
		if _, err := strconv.ParseUint(e.Host, 10, 32); err != nil && e.Host != "" {
			return fmt.Errorf("bad vsock context identifier %q: want a number", e.Host)
		}
		return nil
	}
	if err := CheckPort(e.Port); err != nil {
		return err
	}
	if e.Port == "0" && !listening {
		return fmt.Errorf("port 0 is only for listening")
	}
	if strings.ContainsFunc(e.Host, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '/' || c == '@' }) {
		return fmt.Errorf("bad host %q", e.Host)
	}
	return nil
}

// CheckPort reports whether port is a number up to 65535 or could be the name of
// a service.
func CheckPort(port string) error {
	if port == "" {
		return fmt.Errorf("the port is missing")
	}
	if strings.Trim(port, "0123456789") == "" {
		if n, err := strconv.Atoi(port); err != nil || n > 65535 {
			return fmt.Errorf("port %s is over 65535", port)
		}
		return nil
	}
	letter := func(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
	other := func(c rune) bool { return !letter(c) && !strings.ContainsRune("0123456789-+.", c) }
	if !strings.ContainsFunc(port, letter) || strings.ContainsFunc(port, other) {
		return fmt.Errorf("bad port %q", port)
	}
	return nil
}

// Unix reports whether e is a Unix socket of any type.
func (e Endpoint) Unix() bool { return strings.HasPrefix(e.Network, "unix") }

// Datagram reports whether e carries datagrams without a connection.
func (e Endpoint) Datagram() bool {
	return strings.HasPrefix(e.Network, "udp") || e.Network == "unixgram" || e.CAN()
}

// Abstract reports whether e is in Linux's abstract name space.
func (e Endpoint) Abstract() bool { return strings.HasPrefix(e.Path, "@") }

// Address is e as it can be typed: HOST:PORT or a path; CAN and vsock, for which there
// is no option, with their scheme.
func (e Endpoint) Address() string {
	switch {
	case e.Unix():
		return e.Path
	case e.CAN() && e.Port == "":
		return e.Network + "://" + e.Host
	case e.CAN():
		return e.Network + "://" + e.Host + canSeparator(e.Network) + e.Port
	case e.Network == "vsock":
		return "vsock://" + net.JoinHostPort(e.Host, e.Port)
	}
	return net.JoinHostPort(e.Host, e.Port)
}

// String is e as [ParseEndpoint] reads it, scheme first.
func (e Endpoint) String() string {
	if e.CAN() || e.Network == "vsock" {
		return e.Address()
	}
	return e.Network + "://" + e.Address()
}

// EndpointOf is the endpoint of an address; its network is without the family's digit.
func EndpointOf(a net.Addr) Endpoint {
	if a == nil {
		return Endpoint{}
	}
	switch a := a.(type) {
	case canAddr:
		return a.Endpoint
	case *net.UnixAddr:
		return Endpoint{Network: a.Net, Path: a.Name}
	case *net.TCPAddr, *net.UDPAddr:
		if host, port, err := net.SplitHostPort(a.String()); err == nil {
			return Endpoint{Network: strings.TrimRight(a.Network(), "46"), Host: host, Port: port}
		}
	}
	// A vsock address is written "local(1):7007", "vm(3):7007".
	_, numbers, _ := strings.Cut(a.String(), "(")
	if host, port, ok := strings.Cut(numbers, "):"); ok {
		return Endpoint{Network: a.Network(), Host: host, Port: port}
	}
	return Endpoint{Network: a.Network(), Path: a.String()}
}
