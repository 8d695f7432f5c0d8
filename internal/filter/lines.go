// Package filter holds the streams that a command wraps around a [conn.Stream]:
// lines and blocks, CRLF, telnet, a hex dump, pauses and a rate, and an [Input] that
// several conversations share.
//
// Most filters change what Read returns and leave writes unchanged. A filter that
// reads ahead has a method Buffered: the relay counts those bytes as not yet sent.
package filter

import (
	"bytes"
	"fmt"
	"sync/atomic"

	"gcat/internal/conn"
)

// A readAhead counts the bytes that a filter has read and not yet returned.
type readAhead struct{ bytes atomic.Int64 }

// Buffered returns how many bytes are read and not yet returned.
func (r *readAhead) Buffered() int64 { return r.bytes.Load() }

// maxMessage is the longest message, in bytes. It is larger than any UDP datagram, so
// that the kernel reports a datagram that is too long.
const maxMessage = 64 << 10

// Lines is a [conn.Stream] whose Read returns one line of the input with its newline,
// or with Batch all complete lines that are buffered. The last line may lack its
// newline. Writes pass unchanged.
type Lines struct {
	conn.Stream
	readAhead
	// Messages makes each line one message, and a line of more than 64 KiB an error;
	// otherwise several Reads return such a line.
	Messages bool
	// Batch lets a Read return several lines.
	Batch bool

	buf    []byte
	unread []byte // read and not yet returned, within buf
	err    error  // of the last read of the stream
}

// Read returns the next line, or as much of it as p holds.
func (l *Lines) Read(p []byte) (int, error) {
	if l.buf == nil {
		l.buf = make([]byte, maxMessage+1)
	}
	for searched := 0; ; {
		if i := bytes.IndexByte(l.unread[searched:], '\n'); i >= 0 {
			i += searched
			if l.Batch {
				i = max(i, bytes.LastIndexByte(l.unread[:min(len(l.unread), len(p), maxMessage)], '\n'))
			}
			return l.take(p, i+1)
		}
		searched = len(l.unread)
		switch {
		case searched > maxMessage, searched > 0 && l.err != nil:
			return l.take(p, searched)
		case l.err != nil:
			return 0, l.err
		}
		n := copy(l.buf, l.unread)
		m, err := l.Stream.Read(l.buf[n:])
		l.unread, l.err = l.buf[:n+m], err
		l.bytes.Store(int64(len(l.unread)))
	}
}

// take moves the first n buffered bytes to p.
func (l *Lines) take(p []byte, n int) (int, error) {
	if most := min(len(p), maxMessage); n > most && l.Messages {
		return 0, conn.InputError(fmt.Errorf("a line is longer than %d bytes", most))
	}
	n = copy(p, l.unread[:n])
	l.unread = l.unread[n:]
	l.bytes.Store(int64(len(l.unread)))
	return n, nil
}

// FirstLine returns the length of the first line in p (a [conn.Cut]).
func FirstLine(p []byte) int {
	if i := bytes.IndexByte(p, '\n'); i >= 0 {
		return i + 1
	}
	return len(p)
}

// Blocks is a [conn.Stream] whose Read returns exactly Size bytes of the input, or
// with Batch all complete blocks that are available. The last block may be shorter.
type Blocks struct {
	conn.Stream
	readAhead
	Size int
	// Batch lets a Read return several blocks.
	Batch bool

	part []byte // an incomplete block
	err  error  // of the last read of the stream
}

// First returns the length of the first block in p (a [conn.Cut]).
func (b *Blocks) First(p []byte) int { return min(b.Size, len(p)) }

// Read reads a block, or several with Batch, into p, which must hold Size bytes.
func (b *Blocks) Read(p []byte) (int, error) {
	if !b.Batch {
		p = p[:b.Size]
	}
	n := copy(p, b.part)
	for n < b.Size && b.err == nil {
		var m int
		m, b.err = b.Stream.Read(p[n:])
		n += m
		b.bytes.Store(int64(n))
	}
	whole := n
	if b.err == nil {
		whole -= n % b.Size
	}
	b.part = append(b.part[:0], p[whole:n]...)
	b.bytes.Store(int64(len(b.part)))
	if whole == 0 {
		return 0, b.err
	}
	return whole, nil
}

// Capped is a [conn.Stream] whose Read returns at most Max bytes.
type Capped struct {
	conn.Stream
	Max int
}

// Read reads at most Max bytes.
func (c *Capped) Read(p []byte) (int, error) { return c.Stream.Read(p[:min(len(p), c.Max)]) }
