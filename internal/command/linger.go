package command

import (
	"context"
	"sync/atomic"
	"time"

	"gcat/internal/conn"
)

// A linger waits, once the command has ended, for a peer that may still be sending. A
// socket that is closed while data arrives sends a reset, and the peer could lose the
// command's last output to it.
type linger struct {
	progress  conn.Progress
	heard     atomic.Bool     // the peer has sent since wait began
	peerEOF   context.Context // ends at the peer's EOF
	recordEOF context.CancelFunc
}

// A peer that sends nothing is waited for one lingerPause. One that sends may only be
// slow: it is waited for until it has been idle for lingerQuiet, or for lingerMost.
const (
	lingerPause = 100 * time.Millisecond
	lingerQuiet = time.Second
	lingerMost  = 10 * time.Second
)

func newLinger() *linger {
	l := new(linger)
	l.progress.Start()
	l.peerEOF, l.recordEOF = context.WithCancel(context.Background())
	return l
}

// Write records that the peer has sent.
func (l *linger) Write(p []byte) (int, error) {
	l.progress.Touch()
	l.heard.Store(true)
	return len(p), nil
}

// wait waits for the peer, or until ctx ends.
func (l *linger) wait(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lingerMost)
	defer cancel()
	defer context.AfterFunc(l.peerEOF, cancel)()
	l.heard.Store(false)
	if l.progress.Wait(ctx, lingerPause) == nil && l.heard.Load() {
		_ = l.progress.Wait(ctx, lingerQuiet)
	}
}
