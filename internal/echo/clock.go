package echo

import (
	"sync"
	"time"

	"gcat/internal/conn"
)

// A clock enforces the idle limit and the deadline of one connection. Each read and
// write stores the time in its Progress; the timer is armed again only when it
// fires, so that a message costs one store. [conn.Progress.Look] decides when the
// timer fires next and whether the connection is idle.
type clock struct {
	conn.Progress
	expire func(what string, limit time.Duration)

	mu       sync.Mutex
	stopped  bool
	limit    time.Duration
	timer    *time.Timer
	due      time.Time // when it fires
	deadline *time.Timer
}

// start begins the clocks; a limit of 0 is none. expire is called at most once
// for each of them, from a goroutine of its own.
func (c *clock) start(idle, deadline time.Duration, expire func(string, time.Duration)) {
	c.Progress.Start()
	c.expire = expire
	if deadline > 0 {
		c.deadline = time.AfterFunc(deadline, func() { expire("deadline", deadline) })
	}
	c.setIdle(idle)
}

// setIdle changes the idle limit, which begins anew.
func (c *clock) setIdle(limit time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit, c.due = limit, time.Now().Add(limit/4)
	c.Touch() // after due is set, as in Progress.Wait
	switch {
	case c.stopped:
	case c.timer != nil && limit > 0:
		c.timer.Reset(limit / 4)
	case c.timer != nil:
		c.timer.Stop()
	case limit > 0:
		c.timer = time.AfterFunc(limit/4, c.look)
	}
}

// stop ends the clocks; a call of expire may still be running.
func (c *clock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.deadline != nil {
		c.deadline.Stop()
	}
}

// look reports an idle limit that has passed, or arms the timer again.
func (c *clock) look() {
	c.mu.Lock()
	if c.stopped || c.limit == 0 {
		c.mu.Unlock()
		return
	}
	limit := c.limit
	c.due = c.Look(limit, c.due)
	passed := c.due.IsZero()
	if !passed {
		c.timer.Reset(time.Until(c.due))
	}
	c.mu.Unlock()
	if passed {
		c.expire("idle", limit)
	}
}
