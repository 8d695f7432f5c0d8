package filter

import (
	"bytes"
	"io"
	"sync"
)

// pieces is a [conn.Stream] whose reads return one piece each, and then io.EOF.
type pieces struct {
	in []string

	mu     sync.Mutex
	out    bytes.Buffer
	closed chan struct{}
}

func newPieces(in ...string) *pieces { return &pieces{in: in, closed: make(chan struct{})} }

func (s *pieces) Read(p []byte) (int, error) {
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.in[0])
	if s.in[0] = s.in[0][n:]; s.in[0] == "" {
		s.in = s.in[1:]
	}
	return n, nil
}

func (s *pieces) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(p)
}

func (s *pieces) CloseWrite() error { close(s.closed); return nil }

func (s *pieces) written() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}
