package main

import (
	"context"
	"net/netip"
	"time"

	"gcat/internal/command"
	"gcat/internal/conn"
)

// warnExec warns if other hosts can run the command of -e.
func (g *gcat) warnExec(bound conn.Endpoint) {
	if g.Exec == "" || bound.Unix() || len(g.Allow) > 0 {
		return
	}
	if ip, err := netip.ParseAddr(bound.Host); err == nil && !ip.IsLoopback() {
		g.log.Infof(1, "warning: any host that can reach %s can run %q here (--allow restricts it)", bound.Address(), g.Exec)
	}
}

// command runs the command of -e for a peer.
func (g *gcat) command(ctx context.Context, p peer) error {
	cmd := &command.Command{
		Line: g.Exec, Secret: passwordVariable, Conn: p.Conn, Peer: p.name, Idle: g.idleLimit(), Relayed: g.looksAtBytes(),
		Relay: func(command, remote conn.Stream) conn.Result {
			relay := g.relay(g.wrapLocal(command, false, false), g.wrapRemote(remote, p.name), p.name)
			relay.QuitAfter = new(time.Duration) // the conversation ends with the command
			return g.run(ctx, relay)
		},
		Counting: func(counts func() (sent, received int64)) func() { return g.tally.add(p.name, counts) },
	}
	result := cmd.Run(ctx)
	g.closed(address(p.LocalAddr()), p.name, "", result)
	return result.Err
}
