package filter

import (
	"io"

	"gcat/internal/conn"
)

// Countdown is a [conn.Stream] of messages that ends its input after a number of them.
type Countdown struct {
	conn.Stream
	Left int
	// Unread, if set, reports whether what was read last was a part of a message
	// whose rest comes with the next read.
	Unread func() bool
}

// Read returns the next message, or io.EOF once all that were wanted came. A
// message may be empty.
func (c *Countdown) Read(p []byte) (int, error) {
	if c.Left <= 0 {
		return 0, io.EOF
	}
	n, err := c.Stream.Read(p)
	if err == nil && (c.Unread == nil || !c.Unread()) {
		c.Left--
	}
	return n, err
}
