package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"gcat/internal/cli"
	"gcat/internal/command"
	"gcat/internal/conn"
	"gcat/internal/filter"
	"gcat/internal/tty"
)

// A peer is the other end of a conversation.
type peer struct {
	net.Conn
	name string       // in the log and in diagnostics
	turn *filter.Turn // its turn with standard input; nil: it shares none
}

// peerOf returns the peer at c. Its name is its address, or for a client of a Unix
// socket, which has no address, the path of the socket.
func peerOf(c net.Conn, at conn.Endpoint) peer {
	e := conn.EndpointOf(c.RemoteAddr())
	if e.Host == "" && (e.Path == "" || e.Path == "@") {
		e = at
	}
	return peer{Conn: c, name: e.Address()}
}

// handle runs the conversation between a peer and the other peers, a command, the
// endpoint of --to, or our standard streams, and closes the peer's connection.
func (g *gcat) handle(ctx context.Context, p peer) error {
	switch {
	case g.room != nil:
		return g.join(ctx, p)
	case g.Exec != "":
		return g.command(ctx, p)
	case g.To != "":
		return g.forward(ctx, p)
	}
	return g.converse(ctx, p)
}

// converse runs the conversation between our standard streams and p, and closes p.
func (g *gcat) converse(ctx context.Context, p peer) error {
	local := g.local()
	if p.turn != nil {
		local = p.turn.Wrap(local)
		defer p.turn.Yield()
	}
	relay := g.relay(local, g.streamOf(p), p.name)
	relay.EndWithPeer = !g.RecvOnly && tty.IsTerminal(os.Stdin)
	relay.Waiting = func() { // standard input may be an idle pipe
		g.hint(p.name + " has ended, and standard input has not: -d or </dev/null is no input, -Q 0 ends with the peer")
	}
	if g.Datagrams > 0 && g.QuitAfterPeer == nil {
		relay.QuitAfterPeer = new(time.Duration) // the last datagram counts as the peer's EOF
	}
	result := relay.Run(ctx)
	g.closed(address(p.LocalAddr()), p.name, "", result)
	if g.endedUnanswered(relay, result) {
		g.hint("the peer ended without an answer; some servers take a half-close for a hang-up (--no-shutdown)")
	}
	return result.Err
}

// command runs the command of -e for a peer.
func (g *gcat) command(ctx context.Context, p peer) error {
	cmd := &command.Command{
		Line: g.Exec, Secret: passwordVariable, Conn: p.Conn, Peer: p.name, Idle: g.idleLimit(), Relayed: g.looksAtBytes(),
		Relay: func(command, remote conn.Stream) conn.Result {
			relay := g.relay(command, remote, p.name)
			relay.EndWithLocal = true
			return relay.Run(ctx)
		},
		Tally: &g.tally,
	}
	result := cmd.Run(ctx)
	g.closed(address(p.LocalAddr()), p.name, "", result)
	return result.Err
}

// join makes the peer a member of the room and runs its conversation.
func (g *gcat) join(ctx context.Context, p peer) error {
	ctx, drop := context.WithCancelCause(ctx)
	defer drop(nil)
	member := g.room.Enter(p.name, drop)
	g.log.Infof(2, "%s hears the others (peer %d)", p.name, member.Number)
	result := g.relay(member, g.streamOf(p), p.name).Run(ctx)
	member.Leave()
	if dropped, ok := errors.AsType[*conn.Error](result.Err); ok && dropped == context.Cause(ctx) {
		result.EndedBy = "local"
	}
	g.closed(address(p.LocalAddr()), p.name, "", result)
	return result.Err
}

// relay returns a relay between local and the peer, with the filters and the time limits
// of the options.
func (g *gcat) relay(local, remote conn.Stream, peer string) *conn.Relay {
	return &conn.Relay{
		Local:         g.wrapLocal(local, remote),
		Remote:        g.wrapRemote(remote, peer),
		Peer:          peer,
		Idle:          g.idleLimit(),
		QuitAfter:     (*time.Duration)(g.QuitAfter),
		QuitAfterPeer: (*time.Duration)(g.QuitAfterPeer),
		Shutdown:      g.shutdown(),
		SendOnly:      g.SendOnly,
		RecvOnly:      g.RecvOnly,
		Tally:         &g.tally,
		OnPanic:       tty.OnPanic,
	}
}

// maxRequest is the largest request that a server is expected to answer, in bytes;
// more is taken for an upload.
const maxRequest = 64 << 10

// endedUnanswered reports whether our half-close may be the reason why a server ended
// without sending a byte, as nginx with proxy_pass and node do.
func (g *gcat) endedUnanswered(relay *conn.Relay, r conn.Result) bool {
	return !g.Listen && r.Err == nil && r.Sent > 0 && r.Sent <= maxRequest && r.Received == 0 && r.EndedBy == "local" &&
		relay.Shutdown == conn.ShutWrite && (relay.QuitAfter == nil || *relay.QuitAfter < 0) && !relay.SendOnly && !relay.RecvOnly
}

// streamOf returns p as a side of a relay.
func (g *gcat) streamOf(p peer) conn.Stream {
	if p.LocalAddr().Network() == "unixpacket" {
		m := conn.NewMessages(conn.NewSocket(p.Conn))
		m.Want = g.Datagrams
		return m
	}
	return conn.StreamOf(p.Conn)
}

// shutdown returns what the end of standard input does to the connection.
func (g *grammar) shutdown() conn.Shutdown {
	switch {
	case g.NoShutdown || g.Shutdown == "none":
		return conn.ShutNone
	case g.Shutdown == "both":
		return conn.ShutBoth
	}
	return conn.ShutWrite
}

// looksAtBytes reports whether an option needs the bytes to pass through this
// process.
func (g *gcat) looksAtBytes() bool {
	return g.CRLF || g.Telnet || g.Interval > 0 || g.Rate > 0 || g.dump != nil
}

// wrapLocal adds the filters that the options ask for to the local side.
func (g *gcat) wrapLocal(s, remote conn.Stream) conn.Stream {
	messages := true // one read is one message
	batch := false   // or several, if lines or a fixed size separate them
	switch remote.(type) {
	case *conn.Datagrams, *conn.DatagramListener:
		batch = !g.looksAtBytes()
	case *conn.Messages, *conn.DatagramPeer:
	default:
		messages = false
	}
	switch {
	case g.DatagramSize > 0:
		s = &filter.Blocks{Stream: s, Size: g.DatagramSize, Batch: batch}
	case g.Lines || g.Interval > 0:
		s = &filter.Lines{Stream: s, Messages: messages, Batch: batch}
	case messages && g.To == "": // that of --to has messages already
		s = &filter.Capped{Stream: s, Max: 64 << 10} // more than the largest UDP datagram
	}
	if g.CRLF {
		s = &filter.CRLF{Stream: s, Messages: messages}
	}
	if g.Interval > 0 {
		s = &filter.Interval{Stream: s, Pause: g.Interval.D(), Messages: messages || g.DatagramSize > 0}
	}
	if g.Rate > 0 {
		s = &filter.Rate{Stream: s, Pacer: filter.Pacer{PerSecond: int64(g.Rate)}, Messages: messages}
	}
	return s
}

// wrapRemote adds the filters that the options ask for to the connection.
func (g *gcat) wrapRemote(s conn.Stream, peer string) conn.Stream {
	if g.dump != nil {
		s = &filter.Dumped{Stream: s, Dump: g.dump, Peer: peer}
	}
	if g.Telnet {
		s = &filter.Telnet{Stream: s}
	}
	return s
}

// openDump opens the file of the hex dump, once for all conversations.
func (g *gcat) openDump() (err error) {
	if g.Hexdump == "" {
		return nil
	}
	g.dump = &filter.Dump{Name: g.Hexdump, Out: cli.Stderr}
	if g.Hexdump != "-" {
		g.dump.Out, err = conn.OpenOutput(g.Hexdump, cli.Stderr, g.tlsFiles()...)
	}
	return err
}

// closeLimit is how long the end waits for the dump to be written, which may go into a pipe
// that nothing reads, and for the connection to --to of a datagram peer that has just come.
const closeLimit = 2 * time.Second

// closeDump closes the dump. It returns err; if err is nil, it returns the error of the
// dump, which did not end the conversation.
func (g *gcat) closeDump(err error) error {
	if g.dump == nil {
		return err
	}
	late := &conn.Error{Why: conn.Local, Op: fmt.Sprintf("write %q", g.dump.Name), Err: fmt.Errorf("not done after %v", closeLimit)}
	ctx, cancel := context.WithTimeoutCause(context.Background(), closeLimit, late)
	defer cancel()
	failed := cli.Interruptible(ctx, g.dump.Close)
	if err == nil {
		return failed
	}
	g.log.Error(failed)
	return err
}
