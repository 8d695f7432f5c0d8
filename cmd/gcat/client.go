package main

import (
	"context"
	"fmt"
	"net"

	"gcat/internal/cli"
	"gcat/internal/conn"
)

// connect is gcat as a client.
func (g *gcat) connect(ctx context.Context, where conn.Endpoint) error {
	c, err := g.dial(ctx, where)
	if err != nil {
		return cause(ctx, err)
	}
	g.connected(c, where)
	return g.meet(ctx, c, where, g.stdio())
}

// connected says to whom.
func (g *gcat) connected(c net.Conn, where conn.Endpoint) {
	g.log.Event(1, cli.Event{
		Name:   "connected",
		Text:   fmt.Sprintf("connected to %s", g.peerName(c, where)),
		Fields: []cli.Field{{Key: "local", Value: address(c.LocalAddr())}, {Key: "remote", Value: g.peerName(c, where)}},
	})
}

// dial opens the connection, within the connect limit.
func (g *gcat) dial(ctx context.Context, where conn.Endpoint) (net.Conn, error) {
	return g.dialer(where).Dial(ctx, g.first(where))
}

// dialer is how we connect to where.
func (g *gcat) dialer(where conn.Endpoint) *conn.Dialer {
	return &conn.Dialer{
		Resolver:  conn.Resolver{Numeric: g.Numeric},
		LocalHost: g.Source,
		LocalPort: g.Port,
		Limit:     g.connectLimit(),
		Retry:     g.Retry.D(),
		Socket:    g.socketOptions(),
		Upgrade:   g.upgrade(where),
	}
}
