package main

import (
	"context"
	"net"
	"net/netip"
	"strings"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/proxy"
)

// connect is gcat as a client.
func (g *gcat) connect(ctx context.Context, where place) error {
	p, err := g.dial(ctx, where)
	if err != nil {
		return cause(ctx, err)
	}
	return g.meet(ctx, p, g.stdio())
}

// dial opens the connection, within the connect limit.
func (g *gcat) dial(ctx context.Context, where place) (peer, error) {
	c, err := g.dialer(where).Dial(ctx, g.first(where))
	if err != nil {
		return peer{}, err
	}
	p := g.named(c, where)
	g.connected(p)
	return p, nil
}

// dialer returns the dialer for where. With -l the source address and the interface
// belong to the listener, and are not used for dialling.
func (g *gcat) dialer(where place) *conn.Dialer {
	d := &conn.Dialer{
		Resolver:  conn.Resolver{Numeric: g.Numeric},
		LocalHost: g.Source,
		LocalPort: g.Port,
		Limit:     g.connectLimit(),
		Retry:     g.Retry.D(),
		Socket:    g.socketOptions(),
		Upgrade:   g.upgrade(where),
	}
	if g.Listen {
		d.LocalHost, d.LocalPort, d.Socket.Interface = "", "", ""
	}
	return d
}

// upgrade returns the function that performs the handshakes on a new connection to
// where: first the proxy's, then TLS. Nil is none.
func (g *gcat) upgrade(where place) func(context.Context, net.Conn) (net.Conn, error) {
	if g.via == nil && !where.TLS {
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
		if where.TLS {
			return g.secureClient(ctx, c, where)
		}
		return c, nil
	}
}

// first returns the endpoint to dial for where: that of the proxy, if there is one.
func (g *gcat) first(where place) conn.Endpoint {
	if g.via == nil {
		return where.Endpoint
	}
	e := conn.Endpoint{Network: "tcp", Host: g.via.Host, Port: g.via.Port}
	if strings.HasPrefix(where.Network, "tcp") {
		e.Network = where.Network
	}
	return e
}

// proxy returns the proxy that -x, -X and -P describe; nil is none.
func (g *gcat) proxy(targets []place) (*proxy.Proxy, error) {
	if g.Proxy == "" {
		return nil, nil
	}
	var scheme proxy.Scheme
	if g.ProxyProtocol != "" {
		var err error
		if scheme, err = proxy.ParseScheme(g.ProxyProtocol); err != nil {
			return nil, usage(err)
		}
	}
	p, err := proxy.Parse(g.Proxy, scheme)
	if err != nil {
		return nil, usage(err)
	}
	if p.User != "" && g.ProxyUser != "" && p.User != g.ProxyUser {
		return nil, cli.Usagef("two users for the proxy: %q and %q", p.User, g.ProxyUser)
	}
	if p.User == "" {
		p.User = g.ProxyUser
	}
	for _, where := range targets {
		if where.Host == "" {
			return nil, cli.Usagef("a proxy wants a host to connect to: %q", where.Address())
		}
		if _, err := netip.ParseAddr(where.Host); err != nil && g.Numeric && p.Scheme == proxy.SOCKS4 {
			return nil, cli.Usagef("SOCKS4 needs %q looked up here, and -n forbids it", where.Host)
		}
	}
	return &p, usage(p.Check())
}

// socketOptions returns the socket options of the flags.
func (f *socketFlags) socketOptions() conn.SocketOptions {
	o := conn.SocketOptions{
		Delay:         f.NoNodelay,
		Interface:     f.Interface,
		MPTCP:         f.MPTCP,
		Congestion:    f.Congestion,
		ReusePort:     f.ReusePort,
		SendBuffer:    int(orZero(f.SndBuf)),
		ReceiveBuffer: int(orZero(f.RcvBuf)),
		TOS:           orZero(f.TOS),
		TTL:           orZero(f.TTL),
	}
	if d := f.Keepalive; d != nil {
		o.Keepalive = d.D()
		if *d == 0 {
			o.Keepalive = -1 // none
		}
	}
	return o
}
