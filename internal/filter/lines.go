// Package filter is what a command wraps around a [conn.Stream]: lines and
// blocks, CRLF, telnet, a hex dump, pauses and a rate, a count of messages.
//
// Most of them change what is read from the stream and pass on what is written to
// it. One that reads ahead has a method Buffered, which [conn.Buffered] asks.
package filter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"gcat/internal/conn"
)

// frameSize is how long a line may be that has to stay whole: more than any
// datagram of UDP, so that the kernel has the last word.
const frameSize = 64 << 10

// Lines is a [conn.Stream] of whose input each Read returns one line with its newline;
// the last one may lack it.
//
// What is written to it passes unchanged.
type Lines struct {
	conn.Stream
	// Whole makes a line that is longer than 64 KiB an error. Otherwise such a
	// line comes in pieces.
	Whole bool

	buf  []byte
	have []byte       // what was read and not returned yet, within buf
	held atomic.Int64 // its length
	err  error        // what the last read of the stream ended with
}

// NewLines returns s line by line.
func NewLines(s conn.Stream, whole bool) *Lines { return &Lines{Stream: s, Whole: whole} }

// Read returns the next line, or as much of it as p holds.
func (l *Lines) Read(p []byte) (int, error) {
	if l.buf == nil {
		l.buf = make([]byte, frameSize+1)
	}
	for searched := 0; ; {
		if i := bytes.IndexByte(l.have[searched:], '\n'); i >= 0 {
			return l.take(p, searched+i+1)
		}
		searched = len(l.have)
		if len(l.have) > frameSize {
			if l.Whole {
				return 0, inputError(fmt.Errorf("a line is longer than %d bytes", frameSize))
			}
			return l.take(p, len(l.have))
		}
		if l.err != nil {
			if len(l.have) > 0 {
				return l.take(p, len(l.have))
			}
			return 0, l.err
		}
		n := copy(l.buf, l.have)
		m, err := l.Stream.Read(l.buf[n:])
		l.have, l.err = l.buf[:n+m], err
		l.held.Store(int64(len(l.have)))
	}
}

// Buffered counts the bytes of the lines that were read and not returned.
func (l *Lines) Buffered() int64 { return l.held.Load() + conn.Buffered(l.Stream) }

// inputError is what a failed read of standard input is called.
func inputError(err error) error {
	return &conn.Error{Why: conn.Local, Op: "standard input", Err: err}
}

// take returns the first n bytes of what there is.
func (l *Lines) take(p []byte, n int) (int, error) {
	if n > len(p) && l.Whole {
		return 0, inputError(fmt.Errorf("a line is longer than %d bytes", len(p)))
	}
	n = copy(p, l.have[:n])
	l.have = l.have[n:]
	l.held.Store(int64(len(l.have)))
	return n, nil
}

// Blocks is a [conn.Stream] of whose input each Read returns exactly Size bytes; the
// last may be fewer.
type Blocks struct {
	conn.Stream
	Size int
}

// Read fills the first Size bytes of p, which must hold them.
func (b *Blocks) Read(p []byte) (int, error) {
	n, err := io.ReadFull(b.Stream, p[:min(b.Size, len(p))])
	if n > 0 && (err == nil || errors.Is(err, io.ErrUnexpectedEOF)) {
		return n, nil
	}
	return n, err
}

// Buffered counts what the stream has buffered.
func (b *Blocks) Buffered() int64 { return conn.Buffered(b.Stream) }

// Capped is a [conn.Stream] of whose input no Read returns more than Max bytes.
type Capped struct {
	conn.Stream
	Max int
}

// Read reads at most Max bytes.
func (c *Capped) Read(p []byte) (int, error) { return c.Stream.Read(p[:min(len(p), c.Max)]) }

// Buffered counts what the stream has buffered.
func (c *Capped) Buffered() int64 { return conn.Buffered(c.Stream) }
