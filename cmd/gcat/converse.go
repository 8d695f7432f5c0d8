package main

import (
	"context"
	"net"
	"os"
	"time"

	"golang.org/x/term"

	"gcat/internal/conn"
	"gcat/internal/tty"
)

// stdio is standard input and output as a Stream. With -k it stays open between
// the peers, and belongs to no one's clock.
func (g *gcat) stdio() *conn.Stdio {
	s := &conn.Stdio{
		Terminal: term.IsTerminal(int(os.Stdout.Fd())),
		KeepOpen: g.KeepOpen,
	}
	if !g.KeepOpen {
		s.Progress = new(conn.Progress)
	}
	return s
}

// converse holds the conversation over c, and closes c.
func (g *gcat) converse(ctx context.Context, c net.Conn, where conn.Endpoint, stdio *conn.Stdio) error {
	progress := stdio.Progress
	if progress == nil {
		progress = new(conn.Progress)
	}
	remote, socket := sides(c, progress)
	messages := c.LocalAddr().Network() == "unixpacket"
	if messages {
		remote = conn.NewMessages(socket)
	}
	peer := g.peerName(c, where)
	relay := &conn.Relay{
		Local:         g.wrapLocal(g.local(stdio), progress, messages),
		Remote:        g.wrapRemote(remote, peer),
		Socket:        socket,
		Stdio:         stdio,
		Peer:          peer,
		Progress:      progress,
		Idle:          g.idleLimit(),
		QuitAfter:     quit(g.QuitAfter),
		QuitAfterPeer: quit(g.QuitAfterPeer),
		Shutdown:      shutdowns[g.Shutdown],
		SendOnly:      g.SendOnly,
		RecvOnly:      g.RecvOnly,
		EndWithPeer:   !g.RecvOnly && term.IsTerminal(int(os.Stdin.Fd())),
		Guard:         tty.OnPanic,
	}
	if g.Datagrams != nil && g.QuitAfterPeer == nil {
		relay.QuitAfterPeer = new(time.Duration) // they are the peer's end
	}
	defer g.counting(relay)()
	result := relay.Run(ctx)
	g.closed(c, relay, result)
	return result.Err
}

var shutdowns = map[string]conn.Shutdown{
	"write": conn.ShutWrite,
	"both":  conn.ShutBoth,
	"none":  conn.ShutNone,
}
