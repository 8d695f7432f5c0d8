package echo

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// reorderLimit is how long a reply is held back for another one to overtake it.
const reorderLimit = time.Second

// applyFaults sends a reply with the faults: it is lost, corrupted, duplicated, delayed
// or sent after the next one.
func (p *packets) applyFaults(reply []byte, to *origin) {
	f := &p.server.Faults
	dice := f.plan(p.number)
	if dice.spare {
		p.deliver(reply, to)
		return
	}
	if dice.chance(f.Loss) {
		p.fault(to, "lost datagram %d", p.number)
		return
	}
	reply = bytes.Clone(reply)
	if len(reply) > 0 && dice.chance(f.Corrupt) {
		offset, bit := dice.flip(reply)
		p.fault(to, "flipped bit %d of byte %d of datagram %d", bit, offset, p.number)
	}
	copies := 1
	if dice.chance(f.Duplicate) {
		if p.mayRepeat(len(reply), to) {
			p.fault(to, "sent datagram %d twice", p.number)
			copies = 2
		}
	}
	late := dice.chance(f.Reorder)
	one := &postponed{data: reply, to: *to, copies: copies}
	one.to.control = bytes.Clone(to.control)
	d := dice.delay(f)
	switch {
	case d > 0 && p.postpone(one, d, false):
		p.fault(to, "delayed datagram %d by %v", p.number, d)
	case d > 0:
		p.unanswered(to, Noticed, "4 MiB of replies wait already")
	case late && p.postpone(one, reorderLimit, true):
		p.fault(to, "held datagram %d back behind the next", p.number)
	default:
		p.sendCopies(one)
		p.release()
	}
}

// mayRepeat reports whether n bytes may be sent again: beyond the loopback a peer, whose
// address may be forged, gets no more bytes than it has sent.
func (p *packets) mayRepeat(n int, to *origin) bool {
	switch {
	case p.hop != nil:
		return p.way == up || p.hop.permits(n)
	case !to.loopback():
		const why = "datagram not sent twice: beyond the loopback a peer gets no more bytes than it has sent"
		if p.mayReport(why) {
			p.report(Event{Kind: Noticed, Remote: to.String(), What: why})
		}
		return false
	}
	return true
}

// A postponed reply is sent when it is due, in the order of those times.
type postponed struct {
	data   []byte
	to     origin
	copies int
	due    time.Time
}

// The delayed replies of one socket, those of all its hops included, take at most
// mostWaiting bytes of memory; each counts as its payload and replyCost.
const (
	mostWaiting = 4 << 20
	replyCost   = 512
)

func (r *postponed) cost() int64 { return int64(len(r.data)) + replyCost }

// postpone sends a reply after d, or with hold behind the next one if that is earlier. It
// returns false if mostWaiting is reached, or one is held already.
func (p *packets) postpone(one *postponed, d time.Duration, hold bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if hold && p.held != nil {
		return false
	}
	if p.waiting.Add(one.cost()) > mostWaiting {
		p.waiting.Add(-one.cost())
		return false
	}
	if hold {
		p.held = one
	}
	one.due = time.Now().Add(d)
	i, _ := slices.BinarySearchFunc(p.later, one.due, func(r *postponed, due time.Time) int {
		if r.due.After(due) {
			return 1
		}
		return -1
	})
	p.later = slices.Insert(p.later, i, one)
	p.pending.Add(1)
	if p.alarm == nil {
		p.alarm = time.AfterFunc(d, p.sendDue)
	} else if i == 0 {
		p.alarm.Reset(d)
	}
	return true
}

// remove takes out the i-th of the pending replies. It is called with the lock held.
func (p *packets) remove(i int) *postponed {
	one := p.later[i]
	p.later = slices.Delete(p.later, i, i+1)
	p.waiting.Add(-one.cost())
	if p.held == one {
		p.held = nil
	}
	return one
}

// drop discards the pending replies.
func (p *packets) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.later) > 0 {
		p.remove(len(p.later) - 1)
		p.pending.Done()
	}
}

// sendDue sends the replies whose time has come.
func (p *packets) sendDue() {
	p.sending.Lock() // one goroutine at a time, to keep their order
	defer p.sending.Unlock()
	for {
		p.mu.Lock()
		if len(p.later) == 0 {
			p.mu.Unlock()
			return
		}
		if d := time.Until(p.later[0].due); d > 0 {
			p.alarm.Reset(d)
			p.mu.Unlock()
			return
		}
		next := p.remove(0)
		p.mu.Unlock()
		p.sendCopies(next)
		p.pending.Done()
	}
}

// release sends the reply that is held behind another one, which has been sent.
func (p *packets) release() {
	p.mu.Lock()
	held := p.held
	if held == nil {
		p.mu.Unlock()
		return
	}
	p.remove(slices.Index(p.later, held))
	p.mu.Unlock()
	p.sendCopies(held)
	p.pending.Done()
}

func (p *packets) sendCopies(r *postponed) {
	for range r.copies {
		p.deliver(r.data, &r.to)
	}
}

func (p *packets) fault(to *origin, format string, args ...any) {
	if p.way != "" {
		format += ", " + p.way
	}
	p.report(Event{Kind: Faulted, Remote: to.String(), What: fmt.Sprintf(format, args...)})
}
