package command

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A linger waits, once the command has ended, for a peer that may still be
// sending: until its end, until it has been quiet, or not much longer. To close
// on what it sends would be a reset, which could overtake the command's last
// words.
type linger struct {
	ended chan struct{}
	once  sync.Once
	heard atomic.Int64 // bytes
}

// A peer that sends nothing is given one pause; one that has been sending may
// only be slow.
const (
	lingerPause = 100 * time.Millisecond
	lingerQuiet = time.Second
	lingerMost  = 10 * time.Second
)

func newLinger() *linger { return &linger{ended: make(chan struct{})} }

// Write notes that the peer has sent p.
func (l *linger) Write(p []byte) (int, error) {
	l.heard.Add(int64(len(p)))
	return len(p), nil
}

// done notes that the peer has ended.
func (l *linger) done() { l.once.Do(func() { close(l.ended) }) }

// wait waits for the peer, and no longer than ctx.
func (l *linger) wait(ctx context.Context) {
	tick := time.NewTicker(lingerPause)
	defer tick.Stop()
	heard, quiet, sending := l.heard.Load(), time.Duration(0), false
	for end := time.Now().Add(lingerMost); time.Now().Before(end); {
		select {
		case <-l.ended:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now := l.heard.Load(); now != heard {
			heard, quiet, sending = now, 0, true
			continue
		}
		if quiet += lingerPause; !sending || quiet >= lingerQuiet {
			return
		}
	}
}
