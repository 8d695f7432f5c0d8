package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"

	"golang.org/x/term"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/proxy"
)

// proxyFlags are the options of a client that connects through a proxy.
type proxyFlags struct {
	Proxy         string `short:"x" placeholder:"[SCHEME://][USER@]HOST:PORT" group:"tls" help:"Through a SOCKS or CONNECT proxy." filled:""`
	ProxyProtocol string `short:"X" name:"proxy-protocol" placeholder:"5|4|connect" group:"tls" help:"Kind (5)." filled:""`
	ProxyUser     string `short:"P" name:"proxy-user" placeholder:"USER" group:"tls" help:"Its password: $GCAT_PROXY_PASSWORD or asked for." filled:""`

	via *proxy.Proxy // nil is no proxy
}

// passwordVariable is where a proxy's password is looked for before anybody is
// asked: not on the command line, which everybody can read.
const passwordVariable = "GCAT_PROXY_PASSWORD"

// checkProxy reads the proxy's options, before anything is opened.
func (g *gcat) checkProxy(where conn.Endpoint) error {
	f := &g.proxyFlags
	switch {
	case f.Proxy == "" && f.ProxyProtocol != "":
		return cli.Usagef("-X needs -x")
	case f.Proxy == "" && f.ProxyUser != "":
		return cli.Usagef("-P needs -x")
	case f.Proxy == "":
		return nil
	case g.Listen:
		return cli.Usagef("cannot use -x with -l")
	case where.Datagram() || where.Unix() || where.Network == "vsock":
		return cli.Usagef("cannot use -x with %s", where)
	case where.Host == "":
		return cli.Usagef("a proxy wants a host to connect to: %q", where.Address())
	}
	var scheme proxy.Scheme
	if f.ProxyProtocol != "" {
		var err error
		if scheme, err = proxy.ParseScheme(f.ProxyProtocol); err != nil {
			return usage(err)
		}
	}
	p, err := proxy.Parse(f.Proxy, scheme)
	if err != nil {
		return usage(err)
	}
	if p.User != "" && f.ProxyUser != "" && p.User != f.ProxyUser {
		return cli.Usagef("two users for the proxy: %q and %q", p.User, f.ProxyUser)
	}
	if p.User == "" {
		p.User = f.ProxyUser
	}
	if _, err := netip.ParseAddr(where.Host); err != nil && g.Numeric && p.Scheme == proxy.SOCKS4 {
		return cli.Usagef("SOCKS4 needs %q looked up here, and -n forbids it", where.Host)
	}
	f.via = &p
	return usage(p.Check())
}

// askPassword finds the proxy's password, if there is a user to have one.
func (g *gcat) askPassword(ctx context.Context) error {
	p := g.via
	if p == nil || p.User == "" || p.Scheme == proxy.SOCKS4 || p.Scheme == proxy.SOCKS4a {
		return nil
	}
	password, given := os.LookupEnv(passwordVariable)
	if !given {
		var err error
		password, err = readPassword(ctx, fmt.Sprintf("password of %q at proxy %s: ", p.User, p.Addr()))
		if err != nil {
			return err
		}
	}
	p.Password = password
	return usage(p.Check())
}

// readPassword asks whoever sits at the terminal. Nothing echoes from before the
// question until after the answer, or until a signal ends the question.
func readPassword(ctx context.Context, prompt string) (string, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", cli.Failf(cli.Local, "no password for the proxy: $%s is not set, and there is no terminal to ask on", passwordVariable)
	}
	defer tty.Close()
	fd := int(tty.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", cli.Failf(cli.Local, "/dev/tty: %s", conn.Words(err))
	}
	defer func() {
		_ = term.Restore(fd, before) // the terminal may have gone
	}()
	keys := &keyboard{File: tty}
	type answer struct {
		password string
		err      error
	}
	answered := make(chan answer, 1)
	go func() { // ends with the process if nobody answers
		password, err := term.NewTerminal(keys, "").ReadPassword(prompt)
		answered <- answer{password, err}
	}()
	select {
	case a := <-answered:
		if a.err == nil {
			return a.password, nil
		}
		_, _ = tty.WriteString("\r\n")
		if keys.interrupted {
			return "", &cli.Interrupted{Signal: syscall.SIGINT}
		}
		return "", cli.Failf(cli.Local, "no password for the proxy was given")
	case <-ctx.Done():
		_, _ = tty.WriteString("\r\n")
		return "", context.Cause(ctx)
	}
}

// A keyboard is a terminal in raw mode, where ^C is a key like the others.
type keyboard struct {
	*os.File
	interrupted bool
}

func (k *keyboard) Read(p []byte) (int, error) {
	n, err := k.File.Read(p)
	k.interrupted = k.interrupted || bytes.IndexByte(p[:n], 3) >= 0
	return n, err
}

// first is the endpoint that is really dialled on the way to where.
func (g *gcat) first(where conn.Endpoint) conn.Endpoint {
	if g.via == nil {
		return where
	}
	e := conn.Endpoint{Network: "tcp", Host: g.via.Host, Port: g.via.Port}
	if strings.HasPrefix(where.Network, "tcp") {
		e.Network = where.Network
	}
	return e
}

// upgrade is what is settled over a new connection before it is one to where:
// the proxy's part, then TLS. Nil is nothing.
func (g *gcat) upgrade(where conn.Endpoint) func(context.Context, net.Conn) (net.Conn, error) {
	if g.via == nil && g.tlsConfig == nil {
		return nil
	}
	return func(ctx context.Context, c net.Conn) (net.Conn, error) {
		if g.via != nil {
			p := *g.via
			p.Forward = func(context.Context, string, string) (net.Conn, error) { return c, nil }
			if _, err := p.DialContext(ctx, "tcp", where.Address()); err != nil {
				_ = c.Close() // it may be closed already
				return nil, err
			}
			g.log.Infof(1, "connected through proxy %s (%s)", p.Addr(), p.Scheme)
		}
		if g.tlsConfig != nil {
			return g.secureClient(ctx, c, where)
		}
		return c, nil
	}
}

// peerName is how the remote side is called: behind a proxy, as the command
// line did.
func (g *gcat) peerName(c net.Conn, where conn.Endpoint) string {
	if g.via != nil {
		return where.Address()
	}
	return peerName(c, where)
}
