package echo

import (
	"io"
	"sync"
	"time"
)

// Buffers are borrowed for one read and its answer, and given back.
const (
	bufferSize  = 64 << 10
	messageSize = 256 << 10 // more than a message can have with the default socket buffers
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

// receive reads once. The caller gives the buffer back unless it is nil, also on an
// error.
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

// each calls use with the data of each read until the peer's end of file, for which
// it returns nil.
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

// discard reads to the end of file and discards the data.
func (c *connection) discard() error {
	return c.each(func([]byte) error { return nil })
}
