package conn

import (
	"iter"
	"sync"
	"time"
)

// A Tally counts the bytes of several conversations. The zero value is ready to use.
type Tally struct {
	mu             sync.Mutex
	open           map[*counted]string // the peers of those that have not ended
	sent, received int64               // of those that have
}

// A counted conversation is one that has not ended.
type counted struct {
	counts func() (sent, received int64) // nil: its bytes are not counted
	began  time.Time
}

// soFar is the result of the conversation if it ended now.
func (c *counted) soFar() (r Result) {
	r.Duration, r.Uncounted = time.Since(c.began), c.counts == nil
	if !r.Uncounted {
		r.Sent, r.Received = c.counts()
	}
	return r
}

// Add adds a conversation with peer; counts is nil if its bytes are not counted. done
// records its final counts.
func (t *Tally) Add(peer string, counts func() (sent, received int64)) (done func()) {
	c := &counted{counts, time.Now()}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = make(map[*counted]string)
	}
	t.open[c] = peer
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.open, c)
		r := c.soFar()
		t.sent += r.Sent
		t.received += r.Received
	}
}

// Total returns the bytes of all conversations so far.
func (t *Tally) Total() (sent, received int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sent, received = t.sent, t.received
	for c := range t.open {
		r := c.soFar()
		sent, received = sent+r.Sent, received+r.Received
	}
	return sent, received
}

// Open lists the peers of the conversations that have not ended, with what they have
// moved so far.
func (t *Tally) Open() iter.Seq2[string, Result] {
	return func(yield func(string, Result) bool) {
		t.mu.Lock()
		defer t.mu.Unlock()
		for c, peer := range t.open {
			if !yield(peer, c.soFar()) {
				return
			}
		}
	}
}
