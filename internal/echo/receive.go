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

func borrow() *[]byte    { return buffers.Get().(*[]byte) }
func giveBack(b *[]byte) { buffers.Put(b) }

// receive reads once and calls use with the data. io.EOF is the peer's end of file.
func (c *connection) receive(use func([]byte) error) error {
	var b *[]byte
	var n int
	var err error
	if c.raw != nil {
		b, n, err = c.receiveRaw()
	} else {
		b = c.buffers.Get().(*[]byte)
		n, err = c.stream.Read(*b)
	}
	if b != nil {
		defer c.buffers.Put(b)
	}
	if n <= 0 {
		return err
	}
	if c.received.Add(int64(n)) == int64(n) {
		c.first = time.Since(c.start)
	}
	c.server.Totals.Received.Add(int64(n))
	return use((*b)[:n]) // an error that came with data is returned by the next read
}

// each calls use with the data of each read until the peer's end of file, for which
// it returns nil.
func (c *connection) each(use func([]byte) error) error {
	for {
		err := c.receive(use)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// discard reads to the end of file and discards the data.
func (c *connection) discard() error {
	return c.each(func([]byte) error { return nil })
}
