package conn

// What is wrapped around Local may have read more than it has returned: the line
// that waits for its pause, those behind it, one that has no end yet. If the
// sending is over before that is returned, somebody has to tell of it.

// heldBack counts the bytes that s, and what it is wrapped around, have read and
// not returned. It may be called while s is read.
func heldBack(s Stream) int64 {
	if h, ok := s.(interface{ Held() int64 }); ok {
		return h.Held()
	}
	return 0
}

// Held counts the bytes that were read and wait.
func (i *Interval) Held() int64 { return i.held.Load() + heldBack(i.Stream) }

// Held counts the bytes of the lines that were read and not returned.
func (l *Lines) Held() int64 { return l.held.Load() + heldBack(l.Stream) }

// Held counts the bytes that were translated and not returned.
func (c *CRLF) Held() int64 { return c.held.Load() + heldBack(c.Stream) }

// Held counts what the stream holds back.
func (r *Rate) Held() int64 { return heldBack(r.Stream) }

// Held counts what the stream holds back.
func (b *Blocks) Held() int64 { return heldBack(b.Stream) }

// Held counts what the stream holds back.
func (c *Capped) Held() int64 { return heldBack(c.Stream) }
