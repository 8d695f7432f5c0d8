package main

import (
	"context"
	"errors"

	"gcat/internal/conn"
)

// join makes the peer a member of the room and runs its conversation.
func (g *gcat) join(ctx context.Context, p peer) error {
	ctx, drop := context.WithCancelCause(ctx)
	defer drop(nil)
	member := g.room.Enter(p.name, drop)
	g.log.Infof(2, "%s hears the others (peer %d)", p.name, member.Number)
	result := g.run(ctx, g.relay(g.wrapLocal(member, false, false), g.wrapRemote(conn.StreamOf(p.Conn), p.name), p.name))
	member.Leave()
	if dropped, ok := errors.AsType[*conn.Error](result.Err); ok && dropped == context.Cause(ctx) {
		result.EndedBy = "local"
	}
	g.closed(address(p.LocalAddr()), p.name, "", result)
	return result.Err
}
