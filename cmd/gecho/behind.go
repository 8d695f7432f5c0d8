package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// behind writes what it is given in the background, so that whoever does not
// read the log holds no connection up. What does not fit in mostBehind is left
// out, and said to be.
type behind struct {
	out io.Writer

	mu      sync.Mutex
	waiting []byte
	lost    int
	closed  bool
	stuck   bool          // nobody read what waited at the end
	wake    chan struct{} // something is waiting
	done    chan struct{} // closed when write has returned
}

// mostBehind is how many bytes of the log may wait to be written.
const mostBehind = 16 << 20

func writeBehind(out io.Writer) *behind {
	b := &behind{out: out, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go b.write()
	return b
}

// Write implements [io.Writer]; it never blocks before Close.
func (b *behind) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.stuck:
		return len(p), nil
	case b.closed:
		return b.out.Write(p)
	case len(b.waiting)+len(p) > mostBehind:
		b.lost++
	default:
		b.waiting = append(b.waiting, p...)
	}
	b.nudge()
	return len(p), nil
}

func (b *behind) nudge() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// write writes what waits, until Close.
func (b *behind) write() {
	defer close(b.done)
	for range b.wake {
		b.mu.Lock()
		text, lost, closed := b.waiting, b.lost, b.closed
		b.waiting, b.lost = nil, 0
		b.mu.Unlock()
		_, _ = b.out.Write(text) // nobody is left to tell
		if lost > 0 {
			fmt.Fprintf(b.out, "gecho: %d log lines were left out: nobody read them\n", lost)
		}
		if closed {
			return
		}
	}
}

// Close writes what still waits, for a second at most; later writes go straight
// through, or nowhere if nobody read by then.
func (b *behind) Close() {
	b.mu.Lock()
	b.closed = true
	b.nudge()
	b.mu.Unlock()
	select {
	case <-b.done:
	case <-time.After(time.Second):
		b.mu.Lock()
		b.stuck = true
		b.mu.Unlock()
	}
}
