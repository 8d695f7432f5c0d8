package conn

import (
	"errors"
	"io"
)

// A pump's buffer has bufferSize bytes, so that a short conversation touches little
// memory, and bufferMost once it has been filled twice in a row.
const (
	bufferSize = 64 << 10
	bufferMost = 256 << 10
)

// A step is one move of bytes from a sending to a receiving side.
type step struct {
	n    int   // bytes that the receiving side took
	from error // io.EOF, or the sending side failed
	to   error // the receiving side failed
}

// A Paced is a Stream that limits the rate and does not change the bytes. If its pieces
// fill the private pipe, the splice path is used and keeps to the rate.
type Paced interface {
	Unwrap() Stream
	// Piece is how many bytes may go at once.
	Piece() int
	// Wait waits until more may go.
	Wait()
	// Add records that n bytes were moved.
	Add(n int)
}

// errStopped ends a pump that was stopped with nothing in flight.
var errStopped = errors.New("stopped")

// pump moves the bytes of d, by the splice path if there is one, until EOF, a failure,
// or until d is stopped. A blocked read of standard input may outlive the conversation.
func (c *conversation) pump(d *direction) {
	if c.OnPanic != nil {
		defer c.OnPanic() // here, not in a wrapper: one more frame would outgrow the goroutine's first stack
	}
	path := c.path(d)
	defer path.close()
	var buf buffer
	for {
		var s step
		if path.ready() {
			s = path.step()
		} else {
			s = c.copy(d, &buf)
			path.copied(s.n)
		}
		if s.from == errStopped {
			d.pumped <- step{}
			return
		}
		if s.from != nil || s.to != nil || path.pending() == 0 && !d.flight.end() {
			d.from.socket.keepErrno(s.from)
			d.to.socket.keepErrno(s.to)
			if s.from == io.EOF {
				s.from = nil
			}
			d.pumped <- s
			return
		}
	}
}

// copy reads the sending side once and writes the data to the receiving side.
func (c *conversation) copy(d *direction, buf *buffer) step {
	p := buf.get()
	n, err := d.from.Read(p)
	buf.filled(n)
	if n == 0 && err != nil { // without an error it is an empty message
		return step{from: err}
	}
	ok := d.flight.begin()
	d.arrived(n)
	if !ok {
		return step{from: errStopped}
	}
	m, werr := d.write(p[:n])
	return step{m, err, werr}
}

// A buffer grows when it is filled twice in a row.
type buffer struct {
	p    []byte
	full int
}

func (b *buffer) get() []byte {
	if b.p == nil {
		b.p = make([]byte, bufferSize)
	} else if b.full >= 2 && len(b.p) < bufferMost {
		b.p = make([]byte, bufferMost)
	}
	return b.p
}

// filled notes how much of the buffer was used.
func (b *buffer) filled(n int) {
	if b.full++; n < len(b.p) {
		b.full = 0
	}
}
