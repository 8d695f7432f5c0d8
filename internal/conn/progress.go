package conn

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Progress is the one clock of a conversation: the time at which a byte last moved.
// The streams touch it after every partial read or write; idle limits look at it only
// when they would fire, so that a message costs one atomic store. Start makes it ready.
type Progress struct {
	// Queued, if set, returns how many bytes the kernel has still to deliver: while
	// it falls, bytes move although we write none.
	Queued func() int64

	start  time.Time
	last   atomic.Int64 // nanoseconds since start
	paused atomic.Int32

	idle     time.Duration // at the last look
	queue    int64         // at the last look
	repeated bool          // the last look was late, and is being repeated
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

// leapt reports whether a look at a limit came so late that the process must have
// been stopped. Then the limit begins anew.
func leapt(limit, late time.Duration) bool {
	return late > max(limit/4, 20*punctual)
}

// Look checks the idle limit, and compares the time with due, at which it was to be
// called. It returns when the next check is due, or zero if no byte has moved for limit.
// One goroutine at a time may call it.
//
// Bytes that the kernel delivers move, too: its queue is shorter than at the last look.
// So there are at least four looks within the limit, and about sixteen while bytes are
// queued. A look that is late and would be the last is repeated once, after as long as
// it was late, so that the pumps can run. All durations come from one reading of the
// clock, because the process may be stopped at any point.
func (p *Progress) Look(limit time.Duration, due time.Time) (next time.Time) {
	queue := int64(0)
	if p.Queued != nil {
		queue = p.Queued()
	}
	now := time.Now()
	idle, late := p.idleAt(now), now.Sub(due)
	if leapt(limit, late) || idle > p.idle && queue < p.queue {
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

// AfterIdle calls expired in its own goroutine once no byte has moved for limit; 0 is
// no limit. Until then there is a timer and no goroutine. After stop there is no other
// look, but a call of expired may still be running.
func (p *Progress) AfterIdle(limit time.Duration, expired func()) (stop func()) {
	if limit == 0 {
		return func() {}
	}
	var mu sync.Mutex // held in a look
	var timer *time.Timer
	stopped, due := false, time.Now()
	p.Touch() // after due is set: the first look is compared with due
	look := func() {
		mu.Lock()
		defer mu.Unlock()
		if stopped {
			return
		}
		if due = p.Look(limit, due); due.IsZero() {
			stopped = true
			go expired()
			return
		}
		timer.Reset(time.Until(due))
	}
	mu.Lock()
	timer = time.AfterFunc(limit, look)
	mu.Unlock()
	look()
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		timer.Stop()
	}
}

// Wait returns nil when no byte has moved for limit, or ctx's error.
func (p *Progress) Wait(ctx context.Context, limit time.Duration) error {
	idle := make(chan struct{})
	defer p.AfterIdle(limit, func() { close(idle) })()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
