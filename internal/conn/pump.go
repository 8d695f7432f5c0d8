package conn

import (
	"errors"
	"io"
)

// A pump's buffer has bufferSize bytes, so that a short conversation touches little
// memory, and bufferMost once it has been filled. It holds the longest message.
const (
	bufferSize = 64 << 10
	bufferMost = 256 << 10
)

// A step is one move of bytes from a sending to a receiving side.
type step struct {
	n        int   // bytes that the receiving side took
	readErr  error // io.EOF, or the sending side failed
	writeErr error // the receiving side failed
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
	buf := make([]byte, d.from.bufferSize())
	for {
		var s step
		if path.ready() {
			s = path.step()
		} else {
			s = d.copy(buf)
			path.copied(s.n)
			if s.n == bufferSize && len(buf) == bufferSize {
				buf = make([]byte, bufferMost)
			}
		}
		if s.readErr == errStopped {
			d.pumped <- step{}
			return
		}
		if s.readErr != nil || s.writeErr != nil || path.pending() == 0 && !d.flight.end() {
			if s.readErr == io.EOF {
				s.readErr = nil
			}
			d.pumped <- s
			return
		}
	}
}

// copy reads the sending side once and writes the data to the receiving side.
func (d *direction) copy(buf []byte) step {
	n, err := d.from.Read(buf)
	if n == 0 && err != nil { // without an error it is an empty message
		return step{readErr: err}
	}
	ok := d.flight.begin()
	d.arrived(n)
	if !ok {
		return step{readErr: errStopped}
	}
	m, werr := d.write(buf[:n])
	return step{m, err, werr}
}
