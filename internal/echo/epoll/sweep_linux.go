package epoll

import "time"

// sweep ends the connections of the loop whose limit has passed and schedules the
// next sweep. [conn.Progress.Look] decides whether a connection is idle. The caller
// holds the lock.
func (l *loop) sweep() {
	now, next := time.Now(), time.Time{}
	for _, c := range l.conns {
		if c == nil {
			continue
		}
		l.check(c, now)
		if l.conns[c.fd] != c {
			continue
		}
		if due := l.dueOf(c); !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	if soonest := now.Add(l.pause()); !next.IsZero() && next.Before(soonest) {
		next = soonest
	}
	l.wakeAt(next)
}

// check applies the clocks to one connection, which it may close.
func (l *loop) check(c *Conn, now time.Time) {
	switch {
	case c.ends != open:
		if !now.Before(c.due) {
			l.remove(c, c.ends.String(), nil)
		}
		return
	case l.Deadline > 0 && now.Sub(c.born) >= l.Deadline:
		l.Expired(c, "deadline", l.Deadline)
		l.end(c, byDeadline)
		return
	case l.Idle == 0 || now.Before(c.due):
		return
	}
	if c.due = c.progress.Look(l.Idle, c.due); !c.due.IsZero() {
		return
	}
	// Bytes that arrived in time may not have been read yet.
	l.handle(c)
	switch {
	case l.conns[c.fd] != c:
	case c.progress.Since() < l.Idle:
		c.due = now.Add(l.Idle / 4)
	default:
		l.Expired(c, "idle", l.Idle)
		l.end(c, byIdle)
	}
}

// dueOf is when a sweep must next check c; zero is never.
func (l *loop) dueOf(c *Conn) (due time.Time) {
	if c.ends != open || l.Idle > 0 {
		due = c.due
	}
	if l.Deadline > 0 && c.ends == open {
		if end := c.born.Add(l.Deadline); due.IsZero() || end.Before(due) {
			due = end
		}
	}
	return due
}

// pause is the least time between two sweeps: with many connections one is always
// due. Limits are enforced late by no more than that.
func (l *loop) pause() time.Duration {
	short := 100 * time.Millisecond
	if l.Idle > 0 {
		short = min(short, l.Idle/64)
	}
	return max(short, time.Millisecond)
}

// wakeAt makes run sweep at that time; zero is never.
func (l *loop) wakeAt(next time.Time) {
	l.next = next
	_ = l.file.SetReadDeadline(next) // it can be polled: newLoop tried
}

// endAll begins to close all connections, and returns how many there are.
func (l *loop) endAll() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		if c != nil && c.ends == open {
			l.end(c, bySignal)
			n++
		}
	}
	l.wakeAt(time.Now().Add(l.Drain / 100))
	return n
}
