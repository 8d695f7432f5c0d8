package echo

import (
	"fmt"
	"time"

	"gcat/internal/conn"
)

// sweep ends the peers whose time has passed and computes when the next sweep
// can matter. It is called with the lock held. If it comes so late that nobody
// watched the peers ([conn.Leapt]), their idle limits begin anew.
func (l *loop) sweep() {
	l.now = l.clock()
	leapt := l.next != 0 && conn.Leapt(l.server.Idle, time.Duration(l.now-l.next))
	next := int64(0)
	for _, p := range l.peers {
		if p == nil {
			continue
		}
		if leapt {
			p.last = l.now
		}
		l.check(p)
		if due := l.due(p, l.now); due != 0 && (next == 0 || due < next) {
			next = due
		}
	}
	if next != 0 {
		next = max(next, l.now+l.shortest())
	}
	l.wakeAt(next)
}

// check applies the clocks to one peer, which it may close.
func (l *loop) check(p *peer) {
	s := l.server
	switch {
	case p.cause != notClosed:
		if l.now >= p.until {
			l.remove(p, p.endedBy())
		}
		return
	case s.Deadline > 0 && l.now-p.born >= int64(s.Deadline):
		l.expire(p, byDeadline, fmt.Sprintf("timed out: its deadline of %v passed", s.Deadline))
		return
	case s.Idle == 0:
		return
	}
	idle := l.now - p.last
	if idle < int64(s.Idle)/2 {
		return
	}
	// Bytes move, too, that the kernel delivers while nobody reads or writes
	// here: from half the limit on, the queue is looked at.
	queued := outstanding(p.fd)
	if p.sampled == p.last && queued < p.queued {
		p.last, idle = l.now, 0
	}
	p.sampled, p.queued = p.last, queued
	if idle < int64(s.Idle) {
		return
	}
	// What came in time may not have had its turn.
	if l.handle(p); l.peers[p.fd] == p && p.last < l.now {
		l.expire(p, byIdle, fmt.Sprintf("timed out: nothing moved for %v", s.Idle))
	}
}

func (l *loop) expire(p *peer, cause peerCause, what string) {
	l.report(p, Event{Kind: TimedOut, What: what})
	l.end(p, cause)
}

// due is when the clocks next have to look at p; 0 is never.
func (l *loop) due(p *peer, now int64) (due int64) {
	s := l.server
	if l.peers[p.fd] != p {
		return 0
	}
	if p.cause != notClosed {
		return p.until
	}
	if s.Deadline > 0 {
		due = p.born + int64(s.Deadline)
	}
	if s.Idle == 0 {
		return due
	}
	idle := p.last + int64(s.Idle)
	switch {
	case p.sampled != p.last:
		idle = p.last + int64(s.Idle)/2
	case p.queued > 0:
		idle = min(idle, now+int64(s.Idle)/16)
	}
	if due == 0 || idle < due {
		due = idle
	}
	return due
}

// shortest is how long the loop does without a sweep, whatever is due: with many
// connections something always is. Clocks are late by no more than that.
func (l *loop) shortest() int64 {
	short := int64(100 * time.Millisecond)
	if idle := int64(l.server.Idle) / 64; idle > 0 {
		short = min(short, idle)
	}
	return max(short, int64(time.Millisecond))
}

// wakeAt makes run sweep at that time; 0 is never.
func (l *loop) wakeAt(next int64) {
	l.next = next
	t := time.Time{}
	if next != 0 {
		t = l.start.Add(time.Duration(next))
	}
	_ = l.file.SetReadDeadline(t) // it can be polled: newLoop tried
}
