// Package filter is what a command wraps around a [conn.Stream]: lines and
// blocks, CRLF, telnet, a hex dump, pauses and a rate, a count of messages.
//
// Most of them change what is read from the stream and pass on what is written to
// it. One that reads ahead has a method Buffered, which the relay asks.
package filter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"gcat/internal/conn"
)

// frameSize is the longest line that has to stay whole: more than any datagram of
// UDP, so that the kernel decides.
const frameSize = 64 << 10

// Lines is a [conn.Stream] of whose input each Read returns one line with its newline,
// or with Many all those that one read of the stream has brought; the last one may
// lack it.
//
// What is written to it passes unchanged.
type Lines struct {
	conn.Stream
	// Whole makes a line that is longer than 64 KiB an error. Otherwise such a
	// line comes in pieces.
	Whole bool
	// Many returns several lines at once.
	Many bool

	buf     []byte
	have    []byte       // what was read and not returned, within buf
	pending atomic.Int64 // its length
	err     error        // what the last read of the stream ended with
}

// NewLines returns s line by line; whole is [Lines].Whole.
func NewLines(s conn.Stream, whole bool) *Lines { return &Lines{Stream: s, Whole: whole} }

// Read returns the next line, or as much of it as p holds.
func (l *Lines) Read(p []byte) (int, error) {
	if l.buf == nil {
		l.buf = make([]byte, frameSize+1)
	}
	for searched := 0; ; {
		if i := bytes.IndexByte(l.have[searched:], '\n'); i >= 0 {
			i += searched
			if l.Many {
				i = max(i, bytes.LastIndexByte(l.have[:min(len(l.have), len(p))], '\n'))
			}
			return l.take(p, i+1)
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
		l.pending.Store(int64(len(l.have)))
	}
}

// Buffered counts the bytes of the lines that were read and not returned.
func (l *Lines) Buffered() int64 { return l.pending.Load() }

// inputError is what a failed read of standard input is called.
func inputError(err error) error {
	return &conn.Error{Why: conn.Local, Op: "standard input", Err: err}
}

// take returns the first n bytes of what was read.
func (l *Lines) take(p []byte, n int) (int, error) {
	if n > len(p) && l.Whole {
		return 0, inputError(fmt.Errorf("a line is longer than %d bytes", len(p)))
	}
	n = copy(p, l.have[:n])
	l.have = l.have[n:]
	l.pending.Store(int64(len(l.have)))
	return n, nil
}

// FirstLine says where the first of several lines ends (a [conn.Cut]).
func FirstLine(p []byte) int {
	if i := bytes.IndexByte(p, '\n'); i >= 0 {
		return i + 1
	}
	return len(p)
}

// Blocks is a [conn.Stream] of whose input each Read returns exactly Size bytes, or
// with Many as often as many as one read of the stream has brought; the last may be
// fewer.
type Blocks struct {
	conn.Stream
	Size int
	// Many returns several blocks at once.
	Many bool

	part []byte // of a block that has just begun
	held atomic.Int64
	err  error
}

// First says where the first of several blocks ends (a [conn.Cut]).
func (b *Blocks) First(p []byte) int { return min(b.Size, len(p)) }

// Read fills the first Size bytes of p, which must hold them, or more with Many.
func (b *Blocks) Read(p []byte) (int, error) {
	if b.Many {
		return b.readMany(p)
	}
	n, err := io.ReadFull(b.Stream, p[:min(b.Size, len(p))])
	if n > 0 && (err == nil || errors.Is(err, io.ErrUnexpectedEOF)) {
		return n, nil
	}
	return n, err
}

func (b *Blocks) readMany(p []byte) (int, error) {
	n := copy(p, b.part)
	for n < b.Size && b.err == nil {
		var m int
		m, b.err = b.Stream.Read(p[n:])
		n += m
		b.held.Store(int64(n))
	}
	whole := n
	if b.err == nil {
		whole -= n % b.Size
	}
	b.part = append(b.part[:0], p[whole:n]...)
	b.held.Store(int64(len(b.part)))
	if whole == 0 {
		return 0, b.err
	}
	return whole, nil
}

// Buffered counts what was read and not returned.
func (b *Blocks) Buffered() int64 { return b.held.Load() }

// Capped is a [conn.Stream] of whose input no Read returns more than Max bytes.
type Capped struct {
	conn.Stream
	Max int
}

// Read reads at most Max bytes.
func (c *Capped) Read(p []byte) (int, error) { return c.Stream.Read(p[:min(len(p), c.Max)]) }
