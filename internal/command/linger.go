package command

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A linger waits, once the command has ended, for a peer that may still be
// sending: until EOF, until the peer has been idle, or for at most lingerMost. To
// close the socket while data arrives would send a reset, and the peer could lose
// the command's last output to it.
type linger struct {
	peerEOF chan struct{}
	once    sync.Once
	heard   atomic.Int64 // bytes
}

// A peer that sends nothing is waited for one lingerPause. One that has sent since
// may only be slow: it is waited for until it has been idle for lingerQuiet.
const (
	lingerPause = 100 * time.Millisecond
	lingerQuiet = time.Second
	lingerMost  = 10 * time.Second
)

func newLinger() *linger { return &linger{peerEOF: make(chan struct{})} }

// Write counts the bytes that the peer has sent.
func (l *linger) Write(p []byte) (int, error) {
	l.heard.Add(int64(len(p)))
	return len(p), nil
}

// done records the peer's EOF.
func (l *linger) done() { l.once.Do(func() { close(l.peerEOF) }) }

// wait waits for the peer, or until ctx ends.
func (l *linger) wait(ctx context.Context) {
	tick := time.NewTicker(lingerPause)
	defer tick.Stop()
	heard, quiet, sending := l.heard.Load(), time.Duration(0), false
	for end := time.Now().Add(lingerMost); time.Now().Before(end); {
		select {
		case <-l.peerEOF:
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
