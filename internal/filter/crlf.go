package filter

import (
	"fmt"
	"sync/atomic"

	"gcat/internal/conn"
)

// CRLF is a [conn.Stream] whose input has CRLF in the place of every LF; a CRLF
// stays one. What is written to it passes unchanged.
type CRLF struct {
	conn.Stream
	// Whole returns in one piece what one Read of the stream returned, as datagrams
	// need it.
	Whole bool

	buf     []byte
	rest    []byte       // translated and not returned, within buf
	pending atomic.Int64 // its length
	input   []byte
	last    byte  // the byte before the next one
	err     error // what the stream ended with
}

// Read returns input with its line ends translated.
func (c *CRLF) Read(p []byte) (int, error) {
	if c.input == nil {
		c.input = make([]byte, frameSize/2)
		if c.Whole {
			c.input = make([]byte, frameSize)
		}
		c.buf = make([]byte, 0, 2*len(c.input))
	}
	if len(c.rest) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		n, err := c.Stream.Read(c.input)
		c.err = err
		c.rest = c.translate(c.buf[:0], c.input[:n])
		if n == 0 {
			return 0, err
		}
	}
	if c.Whole && len(c.rest) > len(p) {
		return 0, inputError(fmt.Errorf("with CRLF a datagram grows to %d bytes", len(c.rest)))
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	c.pending.Store(int64(len(c.rest)))
	return n, nil
}

// Buffered counts the bytes that were translated and not returned.
func (c *CRLF) Buffered() int64 { return c.pending.Load() }

// translate appends p to out with its line ends translated.
func (c *CRLF) translate(out, p []byte) []byte {
	for _, b := range p {
		if b == '\n' && c.last != '\r' {
			out = append(out, '\r')
		}
		out = append(out, b)
		c.last = b
	}
	return out
}
