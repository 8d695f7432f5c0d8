package echo

import (
	"bytes"
	"cmp"
	"fmt"
	"sync/atomic"
	"time"

	"gcat/internal/conn"
	"gcat/internal/filter"
)

// chunkPause is the pause between two chunks if there is no rate.
const chunkPause = time.Millisecond

// An outlet sends in one direction of a connection, with the faults of sending.
type outlet struct {
	c         *connection
	stream    conn.Stream
	direction string // the direction with a Target: down (to the client) or up
	plan      plan
	pacer     filter.Pacer
	sent      atomic.Int64 // atomic: a blocked write may outlive the relay, after which it is read

	stalled, halved atomic.Bool            // by a limit; halved by a step of the script, too
	thaw            atomic.Pointer[func()] // ends what stall began
}

// announce reports the faults that apply to the whole connection.
func (o *outlet) announce() {
	if o.plan.Rate > 0 {
		o.fault("sends %d bytes a second", o.plan.Rate)
	}
	if o.plan.Chunk > 0 {
		o.fault("sends %d bytes at a time", o.plan.Chunk)
	}
}

// send sends b to the client.
func (c *connection) send(b []byte) error { return c.out.send(b) }

// send sends b with the faults of sending.
func (o *outlet) send(b []byte) error {
	switch {
	case !o.plan.any():
		return o.write(b)
	case o.halved.Load():
		return o.readOn()
	case o.stalled.Load():
		return o.c.hang()
	}
	if d := o.plan.delay(); d > 0 {
		o.fault("delayed a reply by %v", d)
		if err := o.c.pause(d); err != nil {
			return err
		}
	}
	limit := o.plan.limit()
	last := limit != nil && o.sent.Load()+int64(len(b)) >= limit.Bytes
	if last {
		b = b[:limit.Bytes-o.sent.Load()]
	}
	if len(b) > 0 && o.plan.chance(o.plan.Corrupt) {
		b = bytes.Clone(b)
		offset, bit := o.plan.flip(b)
		o.fault("flipped bit %d of byte %d", bit, o.sent.Load()+int64(offset))
	}
	if err := o.drip(b); err != nil || !last {
		return err
	}
	o.apply(*limit)
	return o.after(limit.How)
}

// after is what follows an applied limit for the goroutine that sends.
func (o *outlet) after(how How) error {
	switch how {
	case Close:
		return errDone
	case Reset:
		return errReset
	case Hang:
		return o.c.hang()
	}
	return o.readOn()
}

// readOn is what follows a half-close: the peer is read to its end of file, by the
// relay or the script if there is one.
func (o *outlet) readOn() error {
	if o.direction != "" || o.c.server.Script != nil {
		return nil
	}
	return cmp.Or(o.c.discard(), errDone)
}

// apply applies a limit, once; it may be called in any goroutine. A limit that ends the
// connection is reported at its end, unless something else has ended it.
func (o *outlet) apply(l Limit) {
	c := o.c
	point := conn.ByteCount(l.Bytes)
	if l.Time > 0 {
		point = l.Time.String()
	}
	applied := o.event("%s after %s", l.How, point)
	switch l.How {
	case Close, Reset:
		c.end(reason{by: "local", reset: l.How == Reset, event: &applied})
	case Hang:
		if !o.stalled.Swap(true) {
			c.report(applied)
			thaw := c.untimed()
			o.thaw.Store(&thaw)
		}
	case Halved:
		if !o.halved.Swap(true) {
			c.report(applied)
			_ = o.stream.CloseWrite() // the peer may be gone already
		}
	}
}

// startLimits starts the timers of the limits of time: those that end the connection, or
// else the others, and then it applies a limit of 0 bytes, too. stop ends them.
func (o *outlet) startLimits(ending bool) (stop func()) {
	var timers []*time.Timer
	for i, l := range o.plan.Limits {
		ends := l.How == Close || l.How == Reset
		switch {
		case l.Time > 0 && ends == ending:
			timers = append(timers, time.AfterFunc(l.Time-time.Since(o.c.start), func() {
				if o.c.cause.Load() == nil {
					o.apply(l)
				}
			}))
		case l.Bytes == 0 && !ending && &o.plan.Limits[i] == o.plan.limit():
			o.apply(l)
		}
	}
	return func() {
		for _, t := range timers {
			t.Stop()
		}
		if thaw := o.thaw.Load(); thaw != nil {
			(*thaw)()
		}
	}
}

// fault reports a fault that is being applied.
func (o *outlet) fault(format string, args ...any) { o.c.report(o.event(format, args...)) }

// event is the event of a fault, with the direction and the time if there are two.
func (o *outlet) event(format string, args ...any) Event {
	if o.direction != "" {
		format += ", " + o.direction + ", at " + time.Since(o.c.start).Round(time.Millisecond).String()
	}
	return Event{Kind: Faulted, What: fmt.Sprintf(format, args...)}
}

// drip writes b in pieces of Chunk and at Rate. Rate alone leaves a message whole.
func (o *outlet) drip(b []byte) error {
	c := o.c
	piece := len(b)
	if c.buffers != &messages {
		piece = min(piece, o.pacer.Piece())
	}
	if o.plan.Chunk > 0 {
		piece = min(piece, o.plan.Chunk)
	}
	for len(b) > 0 {
		piece = min(piece, len(b))
		if err := c.pause(o.pacer.Delay()); err != nil {
			return err
		}
		o.pacer.Add(piece)
		if o.stalled.Load() {
			return c.hang()
		}
		if err := o.write(b[:piece]); err != nil {
			return err
		}
		b = b[piece:]
		if o.plan.Chunk > 0 && o.plan.Rate == 0 && len(b) > 0 {
			if err := c.pause(chunkPause); err != nil {
				return err
			}
		}
	}
	return nil
}

// write writes all of b.
func (o *outlet) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	o.c.writing.Store(true)
	n, err := o.stream.Write(b)
	o.c.writing.Store(false)
	o.sent.Add(int64(n))
	if o.direction != "up" {
		o.c.server.Totals.Sent.Add(int64(n))
	}
	if o.halved.Load() {
		return nil
	}
	return err
}
