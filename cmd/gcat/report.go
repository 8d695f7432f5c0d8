package main

import (
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"gcat/internal/cli"
	"gcat/internal/conn"
)

// A peer is the other end of a conversation.
type peer struct {
	net.Conn
	name string // as the log and diagnostics call it
	turn *turn  // with standard input, under -lk; nil: it is the only one
}

// named is the peer at c. It is called by its address, or, as clients of Unix
// sockets have none, by the path of the socket; behind a proxy, as the command
// line calls it.
func (g *gcat) named(c net.Conn, where place) peer {
	e := conn.EndpointOf(c.RemoteAddr())
	if g.via != nil || e.Host == "" && (e.Path == "" || e.Path == "@") {
		e = where.Endpoint
	}
	return peer{Conn: c, name: e.Address()}
}

// address is a as a number and a port, or a path.
func address(a net.Addr) string { return conn.EndpointOf(a).Address() }

// event logs what has happened between local and remote.
func (g *gcat) event(name, text, local, remote string) {
	g.log.Event(1, cli.Event{
		Name: name, Text: text,
		Fields: []cli.Field{{Key: "local", Value: local}, {Key: "remote", Value: remote}},
	})
}

// hint says what can be typed to do better, with -v or to a person at the terminal.
func (g *gcat) hint(line string) {
	if g.log.Enabled(1) || term.IsTerminal(int(os.Stderr.Fd())) {
		g.log.Hint(line)
	}
}

// connected logs to whom.
func (g *gcat) connected(p peer) {
	g.event("connected", "connected to "+p.name, address(p.LocalAddr()), p.name)
}

// accepted logs whom.
func (g *gcat) accepted(local, remote string) {
	g.event("accepted", "accepted "+remote, local, remote)
}

// listening logs where.
func (g *gcat) listening(bound conn.Endpoint) {
	g.log.Event(1, cli.Event{
		Name:   "listening",
		Text:   "listening on " + bound.Address(),
		Fields: []cli.Field{{Key: "local", Value: bound.Address()}},
	})
}

// closed logs how the conversation of local with remote ended and what was
// moved. To is the endpoint that remote was joined to, if any.
func (g *gcat) closed(local, remote, to string, r conn.Result) {
	if g.log.Level < 1 {
		return
	}
	text := fmt.Sprintf("%s: sent %d bytes, received %d in %v, ended by %s",
		remote, r.Sent, r.Received, r.Duration.Round(time.Millisecond), r.EndedBy)
	fields := []cli.Field{
		{Key: "sent", Value: r.Sent}, {Key: "received", Value: r.Received},
		{Key: "duration", Value: r.Duration}, {Key: "first_byte", Value: r.FirstByte},
		{Key: "local", Value: local}, {Key: "remote", Value: remote},
		{Key: "ended_by", Value: r.EndedBy},
	}
	if n := r.Unacknowledged - r.Unsent; n > 0 {
		text += fmt.Sprintf(", %d bytes not acknowledged", n)
		fields = append(fields, cli.Field{Key: "unacknowledged", Value: n})
	}
	if r.Unsent > 0 {
		text += fmt.Sprintf(", %d bytes not sent", r.Unsent)
		fields = append(fields, cli.Field{Key: "unsent", Value: r.Unsent})
	}
	if r.Undelivered > 0 {
		text += fmt.Sprintf(", %d bytes not delivered to %s", r.Undelivered, to)
		fields = append(fields, cli.Field{Key: "undelivered", Value: r.Undelivered})
	}
	if to != "" {
		fields = append(fields, cli.Field{Key: "to", Value: to})
	}
	if r.Dropped > 0 {
		fields = append(fields, cli.Field{Key: "dropped", Value: r.Dropped})
	}
	g.log.Event(1, cli.Event{Name: "closed", Text: text, Fields: fields})
}

// A tally is the conversations that a signal asks about, and a meter shows.
type tally struct {
	reporting atomic.Bool

	mu    sync.Mutex
	talks map[*talk]bool

	sent, received int64 // by those that are over
}

// A talk is one of them.
type talk struct {
	peer   string
	counts func() (sent, received int64)
	began  time.Time
}

// add takes a conversation into the tally until the function it returns is
// called.
func (t *tally) add(peer string, counts func() (sent, received int64)) (done func()) {
	one := &talk{peer, counts, time.Now()}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.talks == nil {
		t.talks = make(map[*talk]bool)
	}
	t.talks[one] = true
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.talks, one)
		sent, received := one.counts()
		t.sent += sent
		t.received += received
	}
}

// total is what all conversations have moved, those that are over included.
func (t *tally) total() (sent, received int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sent, received = t.sent, t.received
	for one := range t.talks {
		s, n := one.counts()
		sent, received = sent+s, received+n
	}
	return sent, received
}

// reportCounts logs the counts so far: for SIGUSR1, or SIGINFO (^T) where it
// exists. While a report is under way, on a terminal that ^S has stopped, there is
// no second one.
func (g *gcat) reportCounts() {
	if !g.tally.reporting.CompareAndSwap(false, true) {
		return
	}
	defer g.tally.reporting.Store(false)
	g.tally.mu.Lock()
	defer g.tally.mu.Unlock()
	if len(g.tally.talks) == 0 {
		g.log.Infof(0, "nobody is connected")
	}
	for t := range g.tally.talks {
		sent, received := t.counts()
		lasted := time.Since(t.began)
		g.log.Event(0, cli.Event{
			Name: "counts",
			Text: fmt.Sprintf("%s: sent %d bytes, received %d in %v so far", t.peer, sent, received, lasted.Round(time.Millisecond)),
			Fields: []cli.Field{
				{Key: "sent", Value: sent}, {Key: "received", Value: received},
				{Key: "duration", Value: lasted}, {Key: "remote", Value: t.peer},
			},
		})
	}
}
