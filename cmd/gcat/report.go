package main

import (
	"fmt"
	"net"
	"os"
	"sync"
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
	text, fields := moved(remote, r.Uncounted, r.Sent, r.Received, r.Duration)
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
func moved(peer string, uncounted bool, sent, received int64, lasted time.Duration) (text string, fields []any) {
	text = fmt.Sprintf("%s: sent %d bytes, received %d in ", peer, sent, received)
	if uncounted {
		text = peer + ": open for "
	} else {
		fields = []any{"sent", sent, "received", received}
	}
	text += lasted.Round(time.Millisecond).String()
	return text, append(fields, "duration", lasted, "remote", peer)
}

// A tally counts the bytes of all conversations, for SIGUSR1 and for the meter.
type tally struct {
	mu   sync.Mutex
	open map[*running]bool

	sent, received int64 // by conversations that have ended
}

// A running conversation is one that has not ended.
type running struct {
	peer      string
	counts    func() (sent, received int64)
	uncounted bool // counts returns zeros
	began     time.Time
}

// add adds a conversation to the tally; counts is nil if its bytes are not counted. done
// records its final counts.
func (t *tally) add(peer string, counts func() (sent, received int64)) (done func()) {
	one := &running{peer: peer, counts: counts, uncounted: counts == nil, began: time.Now()}
	if counts == nil {
		one.counts = func() (sent, received int64) { return 0, 0 }
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = make(map[*running]bool)
	}
	t.open[one] = true
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.open, one)
		sent, received := one.counts()
		t.sent += sent
		t.received += received
	}
}

// total returns the bytes of all conversations, including those that have ended.
func (t *tally) total() (sent, received int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sent, received = t.sent, t.received
	for one := range t.open {
		s, n := one.counts()
		sent, received = sent+s, received+n
	}
	return sent, received
}

// reportCounts logs the counts so far, for SIGUSR1, or for SIGINFO (^T) where it
// exists.
func (g *gcat) reportCounts() {
	g.tally.mu.Lock()
	defer g.tally.mu.Unlock()
	if len(g.tally.open) == 0 {
		g.log.Infof(0, "no peer is connected")
	}
	for t := range g.tally.open {
		sent, received := t.counts()
		text, fields := moved(t.peer, t.uncounted, sent, received, time.Since(t.began))
		g.log.Event(0, "counts", text+" so far", fields...)
	}
}
