package main

import (
	"fmt"
	"net"
	"os"
	"time"

	"gcat/internal/conn"
	"gcat/internal/tty"
)

// address returns a as a numeric host and a port, or as a path. The sender of a datagram
// on a Unix socket need not have an address.
func address(a net.Addr) string {
	if a == nil {
		return "a peer without an address"
	}
	return conn.EndpointOf(a).Address()
}

// hint logs a hint, with -v or if standard error is a terminal.
func (g *gcat) hint(line string) {
	if g.log.Enabled(1) || tty.IsTerminal(os.Stderr) {
		g.log.Infof(0, "hint: %s", line)
	}
}

// connected logs a connection that we opened.
func (g *gcat) connected(p peer) {
	g.log.Event(1, "connected", "connected to "+p.name, "local", address(p.LocalAddr()), "remote", p.name)
}

// accepted logs a peer.
func (g *gcat) accepted(local, remote string) {
	g.log.Event(1, "accepted", "accepted "+remote, "local", local, "remote", remote)
}

// closed logs the result of the conversation between local and remote. to is the
// endpoint of --to, if any.
func (g *gcat) closed(local, remote, to string, r conn.Result) {
	text, fields := moved(remote, r)
	text += ", ended by " + r.EndedBy
	if !r.Uncounted && (r.FirstByte > 0 || r.Received == 0) { // else it is not known
		fields = append(fields, "first_byte", r.FirstByte)
	}
	fields = append(fields, "local", local, "ended_by", r.EndedBy)
	lost := func(n int64, key, words string) {
		if n > 0 {
			text += fmt.Sprintf(", %d bytes %s", n, words)
			fields = append(fields, key, n)
		}
	}
	lost(r.Unacknowledged-r.Unsent, "unacknowledged", "not acknowledged")
	lost(r.Unsent, "unsent", "not sent")
	lost(r.Undelivered, "undelivered", "not delivered to "+to)
	if to != "" {
		fields = append(fields, "to", to)
	}
	if r.Dropped > 0 {
		fields = append(fields, "dropped", r.Dropped)
	}
	g.log.Event(1, "closed", text, fields...)
}

// moved returns text and fields about a conversation with peer: its bytes, unless the
// kernel does not count them, and how long it has lasted.
func moved(peer string, r conn.Result) (text string, fields []any) {
	text = fmt.Sprintf("%s: sent %d bytes, received %d in ", peer, r.Sent, r.Received)
	if r.Uncounted {
		text = peer + ": open for "
	} else {
		fields = []any{"sent", r.Sent, "received", r.Received}
	}
	text += r.Duration.Round(time.Millisecond).String()
	return text, append(fields, "duration", r.Duration, "remote", peer)
}

// reportCounts logs the counts so far, for SIGUSR1, or for SIGINFO (^T) where it
// exists.
func (g *gcat) reportCounts() {
	none := true
	for peer, soFar := range g.tally.Open() {
		none = false
		text, fields := moved(peer, soFar)
		g.log.Event(0, "counts", text+" so far", fields...)
	}
	if none {
		g.log.Infof(0, "no peer is connected")
	}
}
