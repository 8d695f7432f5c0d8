package filter

import (
	"fmt"

	"gcat/internal/conn"
)

// CRLF is a [conn.Stream] whose Read returns CRLF for each LF of the input. A CRLF is
// unchanged, and so are writes.
type CRLF struct {
	conn.Stream
	readAhead
	// Messages makes each Read of the stream one message, which one Read returns.
	Messages bool

	input []byte
	text  []byte // the input, translated
	rest  []byte // of text, not yet returned
	last  byte   // the byte before the next one
	err   error  // the error that ended the stream
}

// Read returns input with its line ends translated.
func (c *CRLF) Read(p []byte) (int, error) {
	if c.input == nil {
		size := maxMessage / 2 // the text fits in a buffer of the relay
		if c.Messages {
			size = maxMessage
		}
		c.input = make([]byte, size)
	}
	if len(c.rest) == 0 && c.err == nil {
		n, err := c.Stream.Read(c.input)
		c.text = c.translate(c.text[:0], c.input[:n])
		c.rest, c.err = c.text, err
	}
	if c.Messages && len(c.rest) > len(p) {
		return 0, conn.InputError(fmt.Errorf("with CRLF a datagram grows to %d bytes", len(c.rest)))
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	c.bytes.Store(int64(len(c.rest)))
	if n == 0 {
		return 0, c.err
	}
	return n, nil
}

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
