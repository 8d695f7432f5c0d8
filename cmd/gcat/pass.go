package main

import (
	"context"

	"gcat/internal/conn"
)

// pass connects, and sends the socket to the process at the other end of standard
// output (SCM_RIGHTS, unix(7)).
func (g *gcat) pass(ctx context.Context, to target) error {
	p, err := g.dial(ctx, to)
	if err != nil {
		return conn.Cause(ctx, err)
	}
	defer p.Close()
	return conn.Pass(p.Conn)
}
