package proxy

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Parse reads [SCHEME://][USER@]HOST[:PORT]. The default of SCHEME is scheme, else
// SOCKS5; that of PORT is 1080, or 3128 with CONNECT, as in nc(1). A password is refused:
// other users can read a command line. Errors are those of a command line.
func Parse(s, protocol, user string) (p Proxy, err error) {
	if protocol != "" {
		if p.Scheme, err = ParseScheme(protocol); err != nil {
			return Proxy{}, err
		}
	}
	rest := s
	if name, after, ok := strings.Cut(s, "://"); ok {
		other := p.Scheme
		if p.Scheme, err = ParseScheme(name); err != nil {
			return Proxy{}, err
		}
		if other != "" && p.Scheme != other {
			return Proxy{}, fmt.Errorf("the proxy is said to speak %s and %s", other, p.Scheme)
		}
		rest = strings.TrimSuffix(after, "/")
	}
	p.Scheme = cmp.Or(p.Scheme, SOCKS5)
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		p.User, rest = rest[:at], rest[at+1:]
		switch {
		case p.User == "":
			return Proxy{}, errors.New("the proxy's user name is empty")
		case strings.Contains(p.User, ":"):
			return Proxy{}, errors.New("a password does not belong on a command line, where everybody can read it")
		case user != "" && user != p.User:
			return Proxy{}, fmt.Errorf("two users for the proxy: %q and %q", p.User, user)
		}
	}
	p.User = cmp.Or(p.User, user)
	if err := p.parseHostPort(rest); err != nil {
		return Proxy{}, fmt.Errorf("bad proxy %.300q: %w", rest, err)
	}
	return p, p.Check()
}

// ParseScheme reads the name of a scheme, or nc's name for it: 5, 4 or connect.
func ParseScheme(name string) (Scheme, error) {
	switch name {
	case "5", "socks5", "socks5h", "socks":
		return SOCKS5, nil
	case "4", "socks4":
		return SOCKS4, nil
	case "4a", "socks4a":
		return SOCKS4a, nil
	case "connect", "http":
		return CONNECT, nil
	}
	return "", fmt.Errorf("unknown proxy protocol %.100q: it is 5 (socks5), 4 (socks4), 4a (socks4a) or connect", name)
}

func (p *Proxy) parseHostPort(s string) error {
	host, port, err := net.SplitHostPort(s)
	switch {
	case err == nil:
	case strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]"):
		host = s[1 : len(s)-1]
	case strings.Contains(s, ":"):
		return errors.New("it is HOST:PORT, and an IPv6 address is put in brackets")
	default:
		host = s
	}
	if host == "" {
		return errors.New("it has no host")
	}
	if err := checkName(host); err != nil {
		return err
	}
	if err == nil && port == "" {
		return errors.New("its port is empty")
	}
	if n, err := strconv.Atoi(port); err == nil && (n < 1 || n > 65535) {
		return fmt.Errorf("its port %s is not 1 to 65535", port)
	}
	if port == "" {
		port = "1080"
		if p.Scheme == CONNECT {
			port = "3128"
		}
	}
	p.Host, p.Port = host, port
	return nil
}

// Check reports a user name or password that the protocol cannot carry.
func (p Proxy) Check() error {
	if len(p.User) > 255 || len(p.Password) > 255 {
		return errors.New("a proxy's user name and password have at most 255 bytes each")
	}
	if p.Password != "" && p.User == "" {
		return errors.New("a proxy's password needs a user name")
	}
	bad := "\x00"
	if p.Scheme == CONNECT {
		bad = "\x00\r\n"
		if strings.Contains(p.User, ":") {
			return errors.New("an HTTP proxy's user name cannot contain a colon")
		}
	}
	if strings.ContainsAny(p.User, bad) || strings.ContainsAny(p.Password, bad) {
		return errors.New("a proxy's user name and password cannot contain zero bytes or line ends")
	}
	return nil
}
