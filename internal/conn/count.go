package conn

import "io"

// Countdown is a Stream of messages that ends its input after a number of them.
type Countdown struct {
	Stream
	Left int
}

// Read returns the next message, or io.EOF once all that were wanted came. A
// message may be empty.
func (c *Countdown) Read(p []byte) (int, error) {
	if c.Left <= 0 {
		return 0, io.EOF
	}
	n, err := c.Stream.Read(p)
	if err == nil {
		c.Left--
	}
	return n, err
}
