package echo

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// reorderLimit is how long a reply is held back for another one to overtake it.
const reorderLimit = time.Second

// faulty applies the faults to a reply: it is lost, corrupted, duplicated, delayed
// or sent after the next one.
func (p *packets) faulty(reply []byte, to *origin) {
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
	one := &packet{data: reply, to: *to}
	one.to.control = bytes.Clone(to.control)
	send := func() {
		for range copies {
			p.deliver(one.data, &one.to)
		}
	}
	if d := dice.delay(f); d > 0 {
		if !p.postpone(one, copies, d) {
			p.unanswered(to, Noticed, "4 MiB of replies wait already")
			return
		}
		p.fault(to, "delayed datagram %d by %v", p.number, d)
		return
	}
	if late && p.hold(&postponed{packet: one, copies: copies}) {
		p.fault(to, "held datagram %d back behind the next", p.number)
		return
	}
	send()
	p.release(time.Now().Add(reorderLimit)) // another one has overtaken it
}

// mayRepeat reports whether n bytes may be sent again: beyond the loopback a peer, whose
// address may be forged, gets no more bytes than it has sent.
func (p *packets) mayRepeat(n int, to *origin) bool {
	switch {
	case p.hop != nil:
		return p.way == up || p.hop.permits(n)
	case !to.loopback():
		const why = "datagram not sent twice: beyond the loopback a peer gets no more bytes than it has sent"
		if p.due(why) {
			p.report(Event{Kind: Noticed, Remote: to.String(), What: why})
		}
		return false
	}
	return true
}

// A postponed reply is sent when it is due, in the order of those times.
type postponed struct {
	*packet
	copies int
	due    time.Time
}

// The delayed replies of one socket, those of all its hops included, take at most
// mostWaiting bytes of memory; each counts as its payload and replyCost.
const (
	mostWaiting = 4 << 20
	replyCost   = 512
)

func (p *packet) cost() int64 { return int64(len(p.data)) + replyCost }

// postpone sends copies of a reply after d; false if mostWaiting is reached.
func (p *packets) postpone(one *packet, copies int, d time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if cost := one.cost(); p.waiting.Add(cost) > mostWaiting {
		p.waiting.Add(-cost)
		return false
	}
	due := time.Now().Add(d)
	i, _ := slices.BinarySearchFunc(p.later, due, func(r postponed, due time.Time) int {
		if r.due.After(due) {
			return 1
		}
		return -1
	})
	p.later = slices.Insert(p.later, i, postponed{one, copies, due})
	p.pending.Add(1)
	if p.alarm == nil {
		p.alarm = time.AfterFunc(d, p.sendDue)
	} else if i == 0 {
		p.alarm.Reset(d)
	}
	return true
}

// drop discards the pending replies.
func (p *packets) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending.Add(-len(p.later))
	for _, r := range p.later {
		p.waiting.Add(-r.cost())
	}
	p.later = nil
	if p.held != nil {
		p.held = nil
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
		next := p.later[0]
		if d := time.Until(next.due); d > 0 {
			p.alarm.Reset(d)
			p.mu.Unlock()
			return
		}
		p.later[0] = postponed{}
		p.later = p.later[1:]
		p.waiting.Add(-next.cost())
		p.mu.Unlock()
		for range next.copies {
			p.deliver(next.data, &next.to)
		}
		p.pending.Done()
	}
}

// hold keeps a reply back until the next one has been sent; false if another one is
// being held.
func (p *packets) hold(one *postponed) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held != nil {
		return false
	}
	p.held, p.overdue = one, time.Now().Add(reorderLimit)
	p.pending.Add(1)
	if p.watch == nil { // a timer for each would keep its reply in memory
		p.watch = time.AfterFunc(reorderLimit, func() { p.release(time.Now()) })
	} else {
		p.watch.Reset(reorderLimit)
	}
	return true
}

// release sends the reply that is held back, if that is due by now.
func (p *packets) release(now time.Time) {
	p.mu.Lock()
	held := p.held
	if held == nil || now.Before(p.overdue) {
		p.mu.Unlock()
		return
	}
	p.held = nil
	p.mu.Unlock()
	for range held.copies {
		p.deliver(held.data, &held.to)
	}
	p.pending.Done()
}

func (p *packets) fault(to *origin, format string, args ...any) {
	if p.way != "" {
		format += ", " + p.way
	}
	p.report(Event{Kind: Faulted, Remote: to.String(), What: fmt.Sprintf(format, args...)})
}
