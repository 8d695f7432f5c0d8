package main

import (
	"fmt"
	"sync"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
)

// A tally is the conversations that a signal asks about.
type tally struct {
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

// counting lets a signal ask about relay until the function it returns is
// called.
func (g *gcat) counting(relay *conn.Relay) (done func()) {
	return g.countingOf(relay.Peer, relay.Counts)
}

// countingOf does the same for a conversation that gcat does not see.
func (g *gcat) countingOf(peer string, counts func() (sent, received int64)) (done func()) {
	t := &talk{peer, counts, time.Now()}
	g.tally.mu.Lock()
	defer g.tally.mu.Unlock()
	if g.tally.talks == nil {
		g.tally.talks = make(map[*talk]bool)
	}
	g.tally.talks[t] = true
	return func() {
		g.tally.mu.Lock()
		defer g.tally.mu.Unlock()
		delete(g.tally.talks, t)
		sent, received := t.counts()
		g.tally.sent += sent
		g.tally.received += received
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

// tellCounts prints the counts so far whenever asked says so: for SIGUSR1 (or
// SIGINFO, ^T, where it exists). It ends with the process.
func (g *gcat) tellCounts(asked <-chan struct{}) {
	for range asked {
		g.tellCountsNow()
	}
}

func (g *gcat) tellCountsNow() {
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
