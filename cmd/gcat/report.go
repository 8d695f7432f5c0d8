package main

import (
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"gcat/internal/cli"
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

// event logs an event of the connection between local and remote.
func (g *gcat) event(name, text, local, remote string) {
	g.log.Event(1, cli.Event{
		Name: name, Text: text,
		Fields: []cli.Field{{Key: "local", Value: local}, {Key: "remote", Value: remote}},
	})
}

// hint logs a hint, with -v or if standard error is a terminal.
func (g *gcat) hint(line string) {
	if g.log.Enabled(1) || tty.IsTerminal(os.Stderr) {
		g.log.Infof(0, "hint: %s", line)
	}
}

// connected logs a connection that we opened.
func (g *gcat) connected(p peer) {
	g.event("connected", "connected to "+p.name, address(p.LocalAddr()), p.name)
}

// accepted logs a peer.
func (g *gcat) accepted(local, remote string) {
	g.event("accepted", "accepted "+remote, local, remote)
}

// closed logs the result of the conversation between local and remote. to is the
// endpoint of --to, if any.
func (g *gcat) closed(local, remote, to string, r conn.Result) {
	text, fields := moved(remote, r.Uncounted, r.Sent, r.Received, r.Duration)
	text += ", ended by " + r.EndedBy
	if !r.Uncounted && (r.FirstByte > 0 || r.Received == 0) { // else it is not known
		fields = append(fields, cli.Field{Key: "first_byte", Value: r.FirstByte})
	}
	fields = append(fields, cli.Field{Key: "local", Value: local}, cli.Field{Key: "ended_by", Value: r.EndedBy})
	lost := func(n int64, key, words string) {
		if n > 0 {
			text += fmt.Sprintf(", %d bytes %s", n, words)
			fields = append(fields, cli.Field{Key: key, Value: n})
		}
	}
	lost(r.Unacknowledged-r.Unsent, "unacknowledged", "not acknowledged")
	lost(r.Unsent, "unsent", "not sent")
	lost(r.Undelivered, "undelivered", "not delivered to "+to)
	if to != "" {
		fields = append(fields, cli.Field{Key: "to", Value: to})
	}
	if r.Dropped > 0 {
		fields = append(fields, cli.Field{Key: "dropped", Value: r.Dropped})
	}
	g.log.Event(1, cli.Event{Name: "closed", Text: text, Fields: fields})
}

// moved returns text and fields about a conversation with peer: its bytes, unless the
// kernel does not count them, and how long it has lasted.
func moved(peer string, uncounted bool, sent, received int64, lasted time.Duration) (text string, fields []cli.Field) {
	text = fmt.Sprintf("%s: sent %d bytes, received %d in ", peer, sent, received)
	if uncounted {
		text = peer + ": open for "
	} else {
		fields = []cli.Field{{Key: "sent", Value: sent}, {Key: "received", Value: received}}
	}
	text += lasted.Round(time.Millisecond).String()
	return text, append(fields, cli.Field{Key: "duration", Value: lasted}, cli.Field{Key: "remote", Value: peer})
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
		g.log.Event(0, cli.Event{Name: "counts", Text: text + " so far", Fields: fields})
	}
}
