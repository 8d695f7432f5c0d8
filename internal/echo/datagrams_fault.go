package echo

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"gcat/internal/conn"
)

// A lane sends datagrams in one direction, with the faults: to all peers of a socket or,
// with a Target, in each direction of each peer.
type lane struct {
	p      *packets
	number int64 // of the datagram, from 1
	send   func(b []byte, to *conn.Sender) error
	bound  func(n int, to *conn.Sender) bool // n bytes may be sent again; nil is always

	// With a Target:
	progress   *conn.Progress // of the relay
	direction  string
	connection int64 // the number of the peer's

	mu      sync.Mutex
	held    *postponed   // the entry of later that waits for the next reply
	later   []*postponed // in the order in which they are due
	alarm   *time.Timer  // for the first of them
	sending sync.Mutex
}

// reorderLimit is how long a reply is held back for another one to overtake it.
const reorderLimit = time.Second

// applyFaults sends a reply with the faults: it is lost, corrupted, duplicated, delayed
// or sent after the next one.
func (l *lane) applyFaults(reply []byte, to *conn.Sender) {
	number := l.connection<<32 + l.number // each peer has its own faults
	if l.direction == up {
		number = -number
	}
	plan := l.p.server.Faults.plan(number)
	if !plan.anyPacket() { // it is spared
		l.deliver(reply, to)
		return
	}
	if plan.chance(plan.Loss) {
		l.fault(to, "lost datagram %d", l.number)
		return
	}
	one := &postponed{data: bytes.Clone(reply), to: to.Clone(), copies: 1}
	if len(reply) > 0 && plan.chance(plan.Corrupt) {
		offset, bit := plan.flip(one.data)
		l.fault(to, "flipped bit %d of byte %d of datagram %d", bit, offset, l.number)
	}
	if plan.chance(plan.Duplicate) && (l.bound == nil || l.bound(len(reply), to)) {
		l.fault(to, "sent datagram %d twice", l.number)
		one.copies = 2
	}
	late := plan.chance(plan.Reorder)
	d := plan.delay()
	switch {
	case d > 0 && l.postpone(one, d, false):
		l.fault(to, "delayed datagram %d by %v", l.number, d)
	case d > 0:
		l.unanswered(to, Noticed, "4 MiB of replies wait already")
	case late && l.postpone(one, reorderLimit, true):
		l.fault(to, "held datagram %d back behind the next", l.number)
	default:
		l.sendCopies(one)
		l.release()
	}
}

// mayRepeat reports whether a reply may be sent again: beyond the loopback a peer, whose
// address may be forged, gets no more bytes than it has sent.
func (p *packets) mayRepeat(_ int, to *conn.Sender) bool {
	if loopback(to) {
		return true
	}
	const why = "datagram not sent twice: beyond the loopback a peer gets no more bytes than it has sent"
	if p.mayReport(why) {
		p.lane.reportOf(to, Event{Kind: Noticed, What: why})
	}
	return false
}

// A postponed reply is sent when it is due, in the order of those times.
type postponed struct {
	data   []byte
	to     *conn.Sender
	copies int
	due    time.Time
}

// The delayed replies of one socket, those of all its lanes included, take at most
// mostWaiting bytes of memory; each counts as its payload and replyCost.
const (
	mostWaiting = 4 << 20
	replyCost   = 512
)

func (r *postponed) cost() int64 { return int64(len(r.data)) + replyCost }

// postpone sends a reply after d, or with hold behind the next one if that is earlier. It
// returns false if mostWaiting is reached, or one is held already.
func (l *lane) postpone(one *postponed, d time.Duration, hold bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if hold && l.held != nil {
		return false
	}
	if l.p.waiting.Add(one.cost()) > mostWaiting {
		l.p.waiting.Add(-one.cost())
		return false
	}
	if hold {
		l.held = one
	}
	one.due = time.Now().Add(d)
	i := len(l.later)
	for i > 0 && l.later[i-1].due.After(one.due) {
		i--
	}
	l.later = slices.Insert(l.later, i, one)
	l.progress.Pause()
	if l.alarm == nil {
		l.alarm = time.AfterFunc(d, l.sendDue)
	} else if i == 0 {
		l.alarm.Reset(d)
	}
	return true
}

// remove takes out the i-th of the postponed replies. It is called with the lock held.
func (l *lane) remove(i int) *postponed {
	one := l.later[i]
	l.later = slices.Delete(l.later, i, i+1)
	l.p.waiting.Add(-one.cost())
	l.progress.Resume()
	if l.held == one {
		l.held = nil
	}
	return one
}

// sendDue sends the replies whose time has come.
func (l *lane) sendDue() {
	l.sending.Lock() // one goroutine at a time, to keep their order
	defer l.sending.Unlock()
	for one := l.next(false); one != nil; one = l.next(false) {
		l.sendCopies(one)
	}
}

// next takes out the first of the postponed replies; nil if there is none. Unless early is
// set, it returns nil and sets the alarm if the time of the first has not come.
func (l *lane) next(early bool) *postponed {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.later) == 0 {
		return nil
	}
	if d := time.Until(l.later[0].due); d > 0 && !early {
		l.alarm.Reset(d)
		return nil
	}
	return l.remove(0)
}

// release sends the reply that is held behind another one, which has been sent.
func (l *lane) release() {
	l.mu.Lock()
	held := l.held
	if held != nil {
		l.remove(slices.Index(l.later, held))
	}
	l.mu.Unlock()
	if held != nil {
		l.sendCopies(held)
	}
}

// finish waits until the postponed replies are sent, or over ends, and drops the rest. None
// is postponed any more.
func (l *lane) finish(over context.Context) {
	for over.Err() == nil && l.waits() {
		time.Sleep(silenceLook)
	}
	l.sendDue()
	for one := l.next(true); one != nil; one = l.next(true) {
		l.unanswered(one.to, Noticed, "it was still delayed at the end")
	}
}

// waits reports whether there are postponed replies.
func (l *lane) waits() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.later) > 0
}

func (l *lane) sendCopies(r *postponed) {
	for range r.copies {
		l.deliver(r.data, r.to)
	}
}

// deliver sends a datagram now.
func (l *lane) deliver(b []byte, to *conn.Sender) {
	if err := l.send(b, to); err != nil {
		l.failed(to, err)
	} else if l.direction != up {
		l.p.server.Totals.Sent.Add(int64(len(b)))
	}
}

func (l *lane) fault(to *conn.Sender, format string, args ...any) {
	if l.direction != "" {
		format += ", " + l.direction
	}
	l.reportOf(to, Event{Kind: Faulted, What: fmt.Sprintf(format, args...)})
}
