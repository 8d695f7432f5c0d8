package conn

import (
	"errors"
	"io"
	"syscall"
)

// Messages is a connection that preserves the bounds of messages (unixpacket). A
// message larger than the reader's buffer is returned by several reads.
type Messages struct {
	*Socket
	// Read returns io.EOF after Want messages; 0 is no limit. If the peer's end of file
	// comes before that, the relay returns an error of kind [Timeout].
	Want int

	in  *inbox
	got int
}

// NewMessages returns s, whose connection is a unixpacket socket.
func NewMessages(s *Socket) *Messages {
	return &Messages{Socket: s, in: newInbox(s.Conn, bigMessage, 0)}
}

// Read returns one message, which may be empty, or the part of it that fits in p.
func (m *Messages) Read(p []byte) (int, error) {
	if m.Want > 0 && m.got >= m.Want {
		return 0, io.EOF
	}
	n, count, err := m.in.read(p, false, 1, nil)
	if err != nil {
		return n, err
	}
	if n == 0 && m.peerEOF() {
		return 0, io.EOF // and not an empty message
	}
	m.got += count
	m.progress.Touch()
	return n, nil
}

func (m *Messages) longest() int { return bigMessage }

// Unwrap returns the socket below.
func (m *Messages) Unwrap() Stream { return m.Socket }

// Write sends p as one message.
func (m *Messages) Write(p []byte) (int, error) {
	n, err := m.Socket.Write(p)
	if err != nil && errors.Is(err, syscall.EMSGSIZE) {
		err = tooLong(len(p), m.LocalAddr())
	}
	return n, err
}
