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
	g.log.Event(1, cli.Event{
		Name:   "connected",
		Text:   fmt.Sprintf("connected to %s", g.peerName(c, where)),
		Fields: []cli.Field{{Key: "local", Value: address(c.LocalAddr())}, {Key: "remote", Value: g.peerName(c, where)}},
	})
	return g.meet(ctx, c, where, g.stdio())
}

// dial opens the connection, within the connect limit.
func (g *gcat) dial(ctx context.Context, where conn.Endpoint) (net.Conn, error) {
	d := &conn.Dialer{
		Resolver:  conn.Resolver{Numeric: g.Numeric},
		LocalHost: g.Source,
		LocalPort: g.Port,
		Limit:     g.connectLimit(),
		Retry:     g.Retry.D(),
		Upgrade:   g.upgrade(where),
	}
	return d.Dial(ctx, g.first(where))
}
