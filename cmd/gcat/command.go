package main

import (
	"context"
	"net/netip"
	"time"

	"gcat/internal/command"
	"gcat/internal/conn"
)

// warnExec warns of a command that others than this host's users can run.
func (g *gcat) warnExec(bound conn.Endpoint) {
	if g.Exec == "" || bound.Unix() || len(g.Allow) > 0 {
		return
	}
	if ip, err := netip.ParseAddr(bound.Host); err == nil && !ip.IsLoopback() {
		g.log.Infof(1, "warning: whoever can reach %s runs %q here (--allow says who may)", bound.Address(), g.Exec)
	}
}

// command gives the peer its command: the socket itself where no option has to
// look at the bytes, a relay otherwise. It returns when the command and the
// connection have ended.
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
	relay := &conn.Relay{
		Local: g.wrapLocal(stream, false, false), Remote: g.wrapRemote(remote, p.name), Peer: p.name,
		Idle: g.idleLimit(), QuitAfter: new(time.Duration), // the command's end is the end
	}
	defer g.tally.add(p.name, relay.Counts)()
	result := relay.Run(ctx)
	err = stream.End(result.Err)
	g.closed(address(p.LocalAddr()), p.name, "", result)
	return err
}
