package epoll

import (
	"cmp"
	"math"
	"time"
)

// Times are durations since the loop began. A limit of 0 becomes forever, which can be
// added to any of them; never is later than all.
const (
	never   = time.Duration(math.MaxInt64)
	forever = never / 2
)

func limited(d time.Duration) time.Duration { return min(cmp.Or(d, forever), forever) }

func (l *loop) now() time.Duration { return time.Since(l.began) }

// sweep ends the connections of the loop whose limit has passed and schedules the
// next sweep. The caller holds the lock.
func (l *loop) sweep() {
	now, next := l.now(), never
	for _, c := range l.conns {
		if c != nil && now >= c.due {
			l.check(c, now)
		}
		if c != nil && l.conns[c.fd] == c {
			next = min(next, c.due)
		}
	}
	l.sweepAt(max(next, now+l.pause()))
}

// check ends a connection whose limit has passed, or sets when it is next due.
// [conn.Progress.Look] decides whether it is idle.
func (l *loop) check(c *Conn, now time.Duration) {
	switch {
	case c.ends != "":
		l.remove(c, nil)
		return
	case now >= c.born+l.Deadline:
		l.Expired(c, "deadline", l.Deadline)
		l.end(c, "timeout")
		return
	}
	next := c.progress.Look(l.Idle, l.began.Add(c.due))
	if next.IsZero() {
		l.handle(c) // bytes that arrived in time may not have been read yet
		if l.conns[c.fd] != c {
			return
		}
		if c.progress.Since() >= l.Idle {
			c.idle = true
			l.Expired(c, "idle", l.Idle)
			l.end(c, "timeout")
			return
		}
		next = l.began.Add(now + l.Idle/4)
	}
	c.due = min(next.Sub(l.began), c.born+l.Deadline)
}

// pause is the least time between two sweeps: with many connections one is always
// due. Limits are enforced late by no more than that.
func (l *loop) pause() time.Duration {
	return max(time.Millisecond, min(100*time.Millisecond, l.Idle/64))
}

// sweepAt makes run sweep at that time.
func (l *loop) sweepAt(next time.Duration) {
	l.next = next
	_ = l.file.SetReadDeadline(l.began.Add(next)) // it can be polled: newLoop tried
}

// endAll begins to close all connections, and returns how many there are.
func (l *loop) endAll() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		if c != nil && c.ends == "" {
			l.end(c, "signal")
			n++
		}
	}
	l.sweepAt(min(l.next, l.now()+l.Drain))
	return n
}
