package main

import (
	"context"
	"net"
	"net/netip"
	"time"

	"gcat/internal/cli"
	"gcat/internal/command"
	"gcat/internal/conn"
)

// execFlags are the options of peers that talk to a command.
type execFlags struct {
	Exec string `short:"e" placeholder:"CMD" group:"listen" help:"Serve by sh -c CMD." filled:""`
}

// checkExec refuses what does not go with a command.
func (g *gcat) checkExec(where conn.Endpoint) error {
	switch {
	case g.Exec == "":
		return nil
	case where.Datagram() || where.Network == "unixpacket":
		return cli.Usagef("cannot use -e with %s", where.Network)
	case g.SendOnly:
		return cli.Usagef("cannot use -e with --send-only")
	case g.RecvOnly:
		return cli.Usagef("cannot use -e with -d")
	}
	return nil
}

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
func (g *gcat) command(ctx context.Context, c net.Conn, where conn.Endpoint) error {
	peer := g.peerName(c, where)
	cmd := &command.Command{
		Line: g.Exec, Secret: passwordVariable, Conn: c, Peer: peer, Idle: g.idleLimit(),
		Counting: func(counts func() (sent, received int64)) func() { return g.countingOf(peer, counts) },
	}
	if !g.looksAtBytes() && cmd.TakesSocket() {
		result := cmd.Serve(ctx)
		g.closed(c, &conn.Relay{Peer: peer}, result)
		return result.Err
	}
	progress := new(conn.Progress)
	remote, socket := sides(c, progress)
	stream, err := cmd.Start(ctx, remote)
	if err != nil {
		return err
	}
	relay := &conn.Relay{
		Local: g.wrapLocal(stream, progress, false), Remote: g.wrapRemote(remote, peer),
		Socket: socket, Peer: peer, Progress: progress,
		Idle: g.idleLimit(), QuitAfter: new(time.Duration), // the command's end is the end
	}
	defer g.counting(relay)()
	result := relay.Run(ctx)
	first := stream.EndedBefore(result.Err)
	g.closed(c, relay, result)
	return stream.End(result.Err, first)
}
