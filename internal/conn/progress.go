package conn

import (
	"context"
	"sync/atomic"
	"time"
)

// Progress is the one clock of a conversation: the time at which a byte last
// moved in either direction. The streams touch it after every partial read or
// write; idle limits look at it only when they would fire, so that a
// message costs one atomic store and no timer is ever reset.
//
// The zero value has not been touched; Start makes it ready.
type Progress struct {
	// Queued, if set, returns how many bytes the kernel has still to deliver to
	// the peer: while it changes, bytes move although we write none.
	Queued func() int64

	start  time.Time
	last   atomic.Int64 // nanoseconds since start
	paused atomic.Int32

	idle     time.Duration // at the last look
	queue    int64         // then
	repeated bool          // it was a late one's repetition
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
func (p *Progress) Since() time.Duration { return p.idleAt(time.Now()) }

func (p *Progress) idleAt(now time.Time) time.Duration {
	if p.paused.Load() > 0 {
		return 0
	}
	return now.Sub(p.start) - time.Duration(p.last.Load())
}

// Leapt reports whether a look at a limit came so late that the process cannot have
// run all the while: then the limit begins anew.
func Leapt(limit, late time.Duration) bool {
	return late > max(limit/4, 20*punctual)
}

// Look is one look at an idle limit, which was due at that time. It returns when
// the next is due, or zero if no byte has moved for limit. Only one goroutine at
// a time may look.
//
// Bytes that the kernel is still delivering move, too, although none are written
// here: from one look to the next its queue becomes shorter. So there are four
// looks within the limit at least, and sixteen while something is queued.
//
// A late look that would be the last is repeated once: the pumps are given as long
// as it was late. The process may be stopped anywhere in here, so that
// everything is reckoned from one time.
func (p *Progress) Look(limit time.Duration, due time.Time) (next time.Time) {
	queue, now := p.queued(), time.Now()
	idle, late := p.idleAt(now), now.Sub(due)
	if Leapt(limit, late) || idle > p.idle && queue < p.queue {
		p.last.Store(int64(now.Sub(p.start)))
		idle = 0
	}
	p.idle, p.queue = idle, queue
	pause := limit / 4
	if queue > 0 {
		pause = max(limit/16, 5*time.Millisecond)
	}
	switch {
	case idle < limit:
		p.repeated = false
		return now.Add(max(min(pause, limit-idle), time.Microsecond))
	case late > punctual && !p.repeated:
		p.repeated = true
		return now.Add(late)
	}
	return time.Time{}
}

// Wait returns nil when no byte has moved for limit, or ctx's error.
func (p *Progress) Wait(ctx context.Context, limit time.Duration) error {
	due := time.Now()
	p.Touch() // behind the time that the first look is compared with
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		if due = p.Look(limit, due); due.IsZero() {
			return nil
		}
		timer.Reset(time.Until(due))
	}
}

func (p *Progress) queued() int64 {
	if p.Queued == nil {
		return 0
	}
	return p.Queued()
}
