package echo

import (
	"bytes"
	"sync/atomic"
	"time"

	"gcat/internal/conn"
	"gcat/internal/filter"
)

// chunkPause is the pause between two chunks if there is no rate.
const chunkPause = time.Millisecond

// An outlet sends in one direction of a connection, with the faults of sending.
type outlet struct {
	c      *connection
	stream conn.Stream
	socket *conn.Socket // below stream
	way    string       // the direction with a Target: down (to the client) or up
	plan   plan
	pacer  filter.Pacer
	sent   atomic.Int64 // read when the relay has ended, which a blocked write may outlive

	stalled, halved atomic.Bool                 // by a limit
	thaw            atomic.Pointer[func() bool] // ends what stall began
}

// announce reports the faults that apply to the whole connection.
func (o *outlet) announce() {
	f := &o.c.server.Faults
	if !o.plan.spare && f.Rate > 0 {
		o.fault("sends %d bytes a second", f.Rate)
	}
	if !o.plan.spare && f.Chunk > 0 {
		o.fault("sends %d bytes at a time", f.Chunk)
	}
}

// send sends b to the client.
func (c *connection) send(b []byte) error { return c.out.send(b) }

// send sends b.
func (o *outlet) send(b []byte) error {
	f := &o.c.server.Faults
	switch {
	case !f.any() || o.plan.spare:
		return o.write(b)
	case o.halved.Load():
		return nil
	case o.stalled.Load():
		return o.c.hang()
	}
	if d := o.plan.delay(f); d > 0 {
		o.fault("delayed a reply by %v", d)
		if err := o.c.pause(d); err != nil {
			return err
		}
	}
	limit := f.limit()
	last := limit.How != noLimit && o.sent.Load()+int64(len(b)) >= limit.Bytes
	if last {
		b = b[:limit.Bytes-o.sent.Load()]
	}
	if len(b) > 0 && o.plan.chance(f.Corrupt) {
		b = bytes.Clone(b)
		offset, bit := o.plan.flip(b)
		o.fault("flipped bit %d of byte %d", bit, o.sent.Load()+int64(offset))
	}
	if err := o.drip(b); err != nil || !last {
		return err
	}
	return o.reached(limit.How, limit.Bytes)
}

// reached applies a limit of bytes.
func (o *outlet) reached(how LimitKind, after int64) error {
	o.fault("%s after %s", how, conn.ByteCount(after))
	c := o.c
	switch how {
	case CloseAfter:
		return o.close()
	case ResetAfter:
		return o.reset()
	case StallAfter:
		o.stalled.Store(true)
		return c.hang()
	}
	o.halved.Store(true)
	if err := o.stream.CloseWrite(); err != nil || o.way != "" || c.server.Script != nil {
		return err // the relay or the script reads on
	}
	if err := c.discard(); err != nil {
		return err
	}
	return errDone
}

// close ends the connection in order. If it is forwarded, this direction ends first.
func (o *outlet) close() error {
	if o.way != "" {
		_ = o.stream.CloseWrite() // the peer may be gone already
		o.c.end(reason{by: "local"})
	}
	return errDone
}

// reset ends the connection by a RST. If it is forwarded, the receiving side of this
// direction gets the RST.
func (o *outlet) reset() error {
	o.c.end(reason{by: "local", reset: o.socket})
	return errReset
}

// startLimits starts the timers of the limits of time and, on a forwarded connection,
// applies a limit of 0 bytes. stop ends the timers.
func (o *outlet) startLimits() (stop func()) {
	var timers []*time.Timer
	f := &o.c.server.Faults
	for _, l := range f.Limits {
		if l.Time > 0 && !o.plan.spare {
			timers = append(timers, time.AfterFunc(l.Time-time.Since(o.c.start), func() { o.timeUp(l) }))
		} else if o.way != "" && !o.plan.spare && l == f.limit() && l.Bytes == 0 {
			o.fault("%s after %s", l.How, conn.ByteCount(0))
			o.limited(l.How)
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

// timeUp applies a limit of time.
func (o *outlet) timeUp(l Limit) {
	c := o.c
	if c.cause.Load() != nil {
		return
	}
	o.fault("%s after %v", l.How, l.Time)
	o.limited(l.How)
}

// limited applies a limit between two writes.
func (o *outlet) limited(how LimitKind) {
	c := o.c
	switch how {
	case CloseAfter:
		_ = o.close()
		c.end(reason{by: "local"})
	case ResetAfter:
		_ = o.reset()
	case StallAfter:
		o.stalled.Store(true)
		thaw := c.freeze()
		o.thaw.Store(&thaw)
	case HalfCloseAfter:
		o.halved.Store(true)
		_ = o.stream.CloseWrite() // the peer may be gone already
	}
}

// fault reports a fault that is being applied.
func (o *outlet) fault(format string, args ...any) {
	if o.way != "" {
		format += ", " + o.way + ", at " + time.Since(o.c.start).Round(time.Millisecond).String()
	}
	o.c.fault(format, args...)
}

// drip writes b in pieces of Chunk and at Rate.
func (o *outlet) drip(b []byte) error {
	f, c := &o.c.server.Faults, o.c
	piece := min(len(b), o.pacer.Piece())
	if f.Chunk > 0 {
		piece = min(piece, f.Chunk)
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
		if f.Chunk > 0 && f.Rate == 0 && len(b) > 0 {
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
	if o.way != "up" {
		o.c.server.Totals.Sent.Add(int64(n))
	}
	if o.halved.Load() {
		return nil
	}
	return err
}
