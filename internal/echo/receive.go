package echo

import (
	"io"
	"sync"
	"time"
)

// Buffers are borrowed for one read and its answer, and given back.
const (
	bufferSize  = 64 << 10
	messageSize = 256 << 10 // more than the kernel takes in one message
)

var (
	buffers  = sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }}
	messages = sync.Pool{New: func() any { b := make([]byte, messageSize); return &b }}
)

func borrow() *[]byte { return buffers.Get().(*[]byte) }

func giveBack(b *[]byte) {
	if len(*b) == messageSize {
		messages.Put(b)
		return
	}
	buffers.Put(b)
}

func (c *connection) borrow() *[]byte {
	if c.messages {
		return messages.Get().(*[]byte)
	}
	return borrow()
}

// receive reads once. The buffer is to be given back, also with an error,
// unless it is nil.
func (c *connection) receive() (b *[]byte, n int, err error) {
	if c.raw != nil {
		b, n, err = c.receiveRaw()
	} else {
		b = c.borrow()
		n, err = c.stream.Read(*b)
	}
	if n > 0 {
		if c.received.Add(int64(n)) == int64(n) {
			c.first = time.Since(c.start)
		}
		c.server.Totals.Received.Add(int64(n))
	}
	return b, n, err
}

// each calls use with all that comes until the peer's end of file, for which it
// returns nil.
func (c *connection) each(use func([]byte) error) error {
	for {
		b, n, err := c.receive()
		var failed error
		if n > 0 {
			failed = use((*b)[:n])
		}
		if b != nil {
			giveBack(b)
		}
		switch {
		case failed != nil:
			return failed
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// discard reads to the end of file and throws away.
func (c *connection) discard() error {
	return c.each(func([]byte) error { return nil })
}
