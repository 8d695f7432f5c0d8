package main

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"strings"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/proxy"
)

// connect is gcat as a client.
func (g *gcat) connect(ctx context.Context, to conn.Endpoint) error {
	p, err := g.dial(ctx, to)
	if err != nil {
		return err
	}
	return g.handle(ctx, p)
}

// dial opens the connection, within the connect limit.
func (g *gcat) dial(ctx context.Context, to conn.Endpoint) (peer, error) {
	c, err := g.dialer(to).Dial(ctx, g.firstHop(to))
	if err != nil {
		return peer{}, conn.Cause(ctx, err)
	}
	p := peerOf(c, to)
	if g.via != nil {
		p.name = to.Address() // its address is the proxy's
	}
	g.connected(p)
	return p, nil
}

// pass connects, and sends the socket to the process at the other end of standard
// output (SCM_RIGHTS, unix(7)).
func (g *gcat) pass(ctx context.Context, to conn.Endpoint) error {
	p, err := g.dial(ctx, to)
	if err != nil {
		return err
	}
	defer p.Close()
	return conn.Pass(p.Conn)
}

// dialer returns the dialer for to. With -l the source address and the interface
// belong to the listener, and are not used for dialling.
func (g *gcat) dialer(to conn.Endpoint) *conn.Dialer {
	d := &conn.Dialer{
		Resolver:  conn.Resolver{Numeric: g.Numeric},
		LocalHost: g.Source,
		LocalPort: g.Port,
		Limit:     g.connectLimit(),
		Retry:     g.Retry.D(),
		Socket:    g.socketOptions(),
		Upgrade:   g.upgrade(to),
	}
	if g.Listen {
		d.LocalHost, d.LocalPort, d.Socket.Interface = "", "", ""
	}
	return d
}

// upgrade returns the function that performs the handshakes on a new connection to
// to: first the proxy's, then TLS. Nil is none.
func (g *gcat) upgrade(to conn.Endpoint) func(context.Context, net.Conn) (net.Conn, error) {
	if g.via == nil && !to.TLS {
		return nil
	}
	return func(ctx context.Context, c net.Conn) (net.Conn, error) {
		if g.via != nil {
			if err := g.via.Connect(ctx, c, to.Address()); err != nil {
				_ = c.Close()
				return nil, err
			}
			g.log.Infof(1, "connected through proxy %s (%s)", g.via.Addr(), g.via.Scheme)
		}
		if to.TLS {
			return g.secureClient(ctx, c, to)
		}
		return c, nil
	}
}

// firstHop returns the endpoint to dial for to: that of the proxy, if there is one.
func (g *gcat) firstHop(to conn.Endpoint) conn.Endpoint {
	if g.via == nil {
		return to
	}
	e := conn.Endpoint{Network: "tcp", Host: g.via.Host, Port: g.via.Port}
	if strings.HasPrefix(to.Network, "tcp") {
		e.Network = to.Network
	}
	return e
}

// parseProxy returns the proxy that -x, -X and -P describe; nil is none.
func (g *gcat) parseProxy(targets []conn.Endpoint) (*proxy.Proxy, error) {
	if g.Proxy == "" {
		return nil, nil
	}
	p, err := proxy.Parse(g.Proxy, g.ProxyProtocol, g.ProxyUser)
	if err != nil {
		return nil, usage(err)
	}
	for _, to := range targets {
		if to.Host == "" {
			return nil, cli.Usagef("a proxy wants a host to connect to: %q", to.Address())
		}
		if _, err := netip.ParseAddr(to.Host); err != nil && g.Numeric && p.Scheme == proxy.SOCKS4 {
			return nil, cli.Usagef("SOCKS4 needs %q looked up here, and -n forbids it", to.Host)
		}
	}
	return &p, nil
}

// socketOptions returns the socket options of the flags.
func (f *socketFlags) socketOptions() conn.SocketOptions {
	o := conn.SocketOptions{
		Delay:         f.NoNodelay,
		Interface:     f.Interface,
		MPTCP:         f.MPTCP,
		Congestion:    f.Congestion,
		ReusePort:     f.ReusePort,
		SendBuffer:    int(f.SndBuf),
		ReceiveBuffer: int(f.RcvBuf),
		TOS:           orZero(f.TOS),
		TTL:           f.TTL,
	}
	if f.Keepalive != nil {
		o.Keepalive = cmp.Or(f.Keepalive.D(), -1) // none
	}
	return o
}
