package main

import (
	"context"

	"gcat/internal/conn"
	"gcat/internal/tty"
)

// forward joins a peer to the endpoint of --to by the same relay, with that
// connection in the place of standard input and output, and closes both. A peer
// whose other end cannot be reached is reset.
func (g *gcat) forward(ctx context.Context, p peer) error {
	to, err := g.dial(ctx, g.to)
	if err != nil {
		conn.Reset(p.Conn)
		return cause(ctx, err)
	}
	local, messages := streamOf(to)
	remote, _ := streamOf(p)
	relay := &conn.Relay{
		Local:         g.wrapLocal(local, messages),
		Remote:        g.wrapRemote(remote, p.name),
		Peer:          p.name,
		To:            to.name,
		Idle:          g.idleLimit(),
		QuitAfter:     quit(g.QuitAfter),
		QuitAfterPeer: quit(g.QuitAfterPeer),
		Shutdown:      g.shutdown(),
		Guard:         tty.OnPanic,
	}
	defer g.tally.add(p.name, relay.Counts)()
	result := relay.Run(ctx)
	g.closed(address(p.LocalAddr()), p.name, to.name, result)
	return result.Err
}
