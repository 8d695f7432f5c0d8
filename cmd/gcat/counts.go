package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
)

// A tally is the conversations that a signal asks about.
type tally struct {
	mu     sync.Mutex
	relays map[*conn.Relay]time.Time // when they began

	sent, received int64 // by those that are over
}

// counting lets a signal ask about relay until the function it returns is
// called.
func (g *gcat) counting(relay *conn.Relay) (done func()) {
	g.tally.mu.Lock()
	defer g.tally.mu.Unlock()
	if g.tally.relays == nil {
		g.tally.relays = make(map[*conn.Relay]time.Time)
	}
	g.tally.relays[relay] = time.Now()
	return func() {
		g.tally.mu.Lock()
		defer g.tally.mu.Unlock()
		delete(g.tally.relays, relay)
		sent, received := relay.Counts()
		g.tally.sent += sent
		g.tally.received += received
	}
}

// total is what all conversations have moved, those that are over included.
func (t *tally) total() (sent, received int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sent, received = t.sent, t.received
	for relay := range t.relays {
		s, n := relay.Counts()
		sent, received = sent+s, received+n
	}
	return sent, received
}

// tellCounts prints the counts so far whenever SIGUSR1 (or SIGINFO, ^T, where it
// exists) comes.
func (g *gcat) tellCounts() {
	if len(countSignals) == 0 {
		return
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, countSignals...)
	go func() { // ends with the process
		for range asked {
			g.tellCountsNow()
		}
	}()
}

func (g *gcat) tellCountsNow() {
	g.tally.mu.Lock()
	defer g.tally.mu.Unlock()
	if len(g.tally.relays) == 0 {
		g.log.Infof(0, "nobody is connected")
	}
	for relay, began := range g.tally.relays {
		sent, received := relay.Counts()
		lasted := time.Since(began)
		g.log.Event(0, cli.Event{
			Name: "counts",
			Text: fmt.Sprintf("%s: sent %d bytes, received %d in %v so far", relay.Peer, sent, received, lasted.Round(time.Millisecond)),
			Fields: []cli.Field{
				{Key: "sent", Value: sent}, {Key: "received", Value: received},
				{Key: "duration", Value: lasted}, {Key: "remote", Value: relay.Peer},
			},
		})
	}
}
