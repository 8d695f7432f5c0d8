package echo

import (
	"time"
)

// chunkPause is what lies between two pieces that are sent chunk by chunk.
const chunkPause = time.Millisecond

// send sends b, which it may change, as the faults want it.
func (c *connection) send(b []byte) error {
	f := &c.server.Faults
	switch {
	case !f.any() || c.plan.spare:
		return c.write(b)
	case c.halved.Load():
		return nil
	case c.stalled.Load():
		return c.hang()
	}
	if d := c.plan.delay(f); d > 0 {
		c.fault("delayed a reply by %v", d.Round(time.Microsecond))
		if err := c.pause(d); err != nil {
			return err
		}
	}
	limit := f.limit()
	last := limit.How != noLimit && c.sent+int64(len(b)) >= limit.Bytes
	if last {
		b = b[:limit.Bytes-c.sent]
	}
	if len(b) > 0 && c.plan.chance(f.Corrupt) {
		offset, bit := c.plan.flip(b)
		c.fault("flipped bit %d of byte %d", bit, c.sent+int64(offset))
	}
	if err := c.drip(b); err != nil || !last {
		return err
	}
	return c.reached(limit.How, limit.Bytes)
}

// reached does what is to be done after so many bytes.
func (c *connection) reached(how LimitKind, after int64) error {
	c.fault("%s after %d bytes", how, after)
	switch how {
	case ResetAfter:
		return errReset
	case StallAfter:
		return c.hang()
	case HalfCloseAfter:
		if err := c.stream.CloseWrite(); err != nil {
			return err
		}
		if err := c.discard(); err != nil {
			return err
		}
	}
	return errDone
}

// drip writes b in the pieces, and at the pace, that were asked for.
func (c *connection) drip(b []byte) error {
	f := &c.server.Faults
	piece := min(len(b), c.pacer.Piece())
	if f.Chunk > 0 {
		piece = min(piece, f.Chunk)
	}
	for len(b) > 0 {
		piece = min(piece, len(b))
		if err := c.pause(c.pacer.Wait()); err != nil {
			return err
		}
		c.pacer.Pay(piece)
		if c.stalled.Load() {
			return c.hang()
		}
		if err := c.write(b[:piece]); err != nil {
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
func (c *connection) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	c.writing.Store(true)
	n, err := c.stream.Write(b)
	c.writing.Store(false)
	c.count(n)
	if c.halved.Load() {
		return nil
	}
	return err
}
