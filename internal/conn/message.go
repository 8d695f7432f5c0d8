package conn

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

// A bigReader reads messages that may be larger than a relay's buffer: Unix
// sockets carry as much in one as the sender's buffer holds. What does not fit
// in the caller's buffer comes with the next reads.
type bigReader struct {
	receive func(p []byte) (n, flags int, err error)
	buf     []byte
	rest    []byte
}

// bigMessage is more than a Unix socket carries in one message with the
// system's buffer sizes (212,992 bytes, wmem_default of socket(7)).
const bigMessage = 256 << 10

// newBigReader reads from c; it is nil where c is no Unix socket.
func newBigReader(c net.Conn) *bigReader {
	u, ok := c.(interface {
		ReadMsgUnix(b, oob []byte) (n, oobn, flags int, addr *net.UnixAddr, err error)
	})
	if !ok {
		return nil
	}
	return &bigReader{receive: func(p []byte) (n, flags int, err error) {
		n, _, flags, _, err = u.ReadMsgUnix(p, nil)
		return n, flags, err
	}}
}

func (b *bigReader) read(p []byte) (int, error) {
	if len(b.rest) > 0 {
		n := copy(p, b.rest)
		b.rest = b.rest[n:]
		return n, nil
	}
	if b.buf == nil {
		b.buf = make([]byte, bigMessage)
	}
	n, flags, err := b.receive(b.buf)
	if errors.Is(err, io.EOF) {
		return 0, io.EOF // the net package wraps it
	}
	if err != nil {
		return 0, err
	}
	if flags&msgTrunc != 0 {
		return 0, errCut
	}
	b.rest = b.buf[:n]
	n = copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// unread reports whether a part of a message is left for the next read.
func (b *bigReader) unread() bool { return b != nil && len(b.rest) > 0 }

var errCut error = &Error{Why: Local, Err: fmt.Errorf("a message of more than %d bytes came", bigMessage)}

// Messages is a connection that keeps the bounds of messages (unixpacket), whole
// even where they are larger than the reader's buffer.
type Messages struct {
	*Socket
	big *bigReader
}

// NewMessages returns s, whose connection is a unixpacket socket.
func NewMessages(s *Socket) *Messages {
	return &Messages{Socket: s, big: newBigReader(s.Conn)}
}

// Read returns one message, which may be empty, or the part of it that fits in p.
func (m *Messages) Read(p []byte) (int, error) {
	if m.big == nil {
		return m.Socket.Read(p)
	}
	n, err := m.big.read(p)
	if err == io.EOF && !m.peerEOF() {
		err = nil // it was an empty message
	}
	if err == nil {
		m.progress.Touch()
	}
	return n, err
}

// Unwrap returns the socket below.
func (m *Messages) Unwrap() Stream { return m.Socket }

// Unread reports whether the last Read returned a part of a message whose rest
// comes with the next one.
func (m *Messages) Unread() bool { return m.big.unread() }

// Write sends p as one message.
func (m *Messages) Write(p []byte) (int, error) {
	n, err := m.Socket.Write(p)
	if err != nil && errors.Is(err, syscall.EMSGSIZE) {
		err = tooLong(len(p), m.LocalAddr())
	}
	return n, err
}
