package conn

import (
	"context"
	"sync/atomic"
	"time"
)

// Progress is the one clock of a conversation: the time at which a byte last
// moved in either direction. Whoever moves bytes touches it after every partial
// read or write; idle limits look at it only when they would fire, so that a
// message costs one atomic store and no timer is ever reset.
//
// The zero value has not been touched; Start makes it ready.
type Progress struct {
	// Queued, if set, returns how many bytes the kernel has still to deliver to
	// the peer: while it changes, bytes move although nobody writes.
	Queued func() int64

	start  time.Time
	last   atomic.Int64 // nanoseconds since start
	paused atomic.Int32
}

// Start begins the clock.
func (p *Progress) Start() {
	p.start = time.Now()
	p.last.Store(0)
}

// Touch notes that a byte moved just now.
func (p *Progress) Touch() {
	if p != nil {
		p.last.Store(int64(time.Since(p.start)))
	}
}

// Pause notes a silence of our own making (a rate limit, an interval between
// lines), which is not idleness; Resume ends it.
func (p *Progress) Pause() {
	if p != nil {
		p.paused.Add(1)
	}
}

// Resume ends what Pause began.
func (p *Progress) Resume() {
	if p != nil {
		p.Touch()
		p.paused.Add(-1)
	}
}

// Since returns how long no byte has moved.
func (p *Progress) Since() time.Duration {
	if p.paused.Load() > 0 {
		return 0
	}
	return time.Since(p.start) - time.Duration(p.last.Load())
}

// Wait returns nil when no byte has moved for limit, or ctx's error.
func (p *Progress) Wait(ctx context.Context, limit time.Duration) error {
	timer := time.NewTimer(limit - p.Since())
	defer timer.Stop()
	queued := p.queued()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		if q := p.queued(); q != queued {
			queued = q
			p.Touch()
		}
		rest := limit - p.Since()
		if rest <= 0 {
			return nil
		}
		if queued > 0 {
			// The kernel tells nobody when it delivers: look more often.
			rest = min(rest, max(limit/16, 5*time.Millisecond))
		}
		timer.Reset(rest)
	}
}

func (p *Progress) queued() int64 {
	if p.Queued == nil {
		return 0
	}
	return p.Queued()
}
