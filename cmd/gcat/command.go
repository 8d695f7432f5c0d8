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

// command runs the command of -e for a peer. The command gets the socket itself, or a
// relay if an option has to look at the bytes. command returns when the command and
// the connection have ended.
func (g *gcat) command(ctx context.Context, p peer) error {
	cmd := &command.Command{
		Line: g.Exec, Secret: passwordVariable, Conn: p.Conn, Peer: p.name, Idle: g.idleLimit(),
		Counting: func(counts func() (sent, received int64)) func() { return g.tally.add(p.name, counts) },
	}
	if !g.looksAtBytes() && cmd.TakesSocket() {
		result := cmd.Serve(ctx)
		g.closed(address(p.LocalAddr()), p.name, "", result)
		return result.Err
	}
	remote := conn.StreamOf(p.Conn)
	stream, err := cmd.Start(ctx, remote)
	if err != nil {
		return err
	}
	relay := g.relay(g.wrapLocal(stream, false, false), g.wrapRemote(remote, p.name), p.name)
	relay.QuitAfter = new(time.Duration) // the conversation ends with the command
	result := g.run(ctx, relay)
	err = stream.End(result.Err)
	g.closed(address(p.LocalAddr()), p.name, "", result)
	return err
}
