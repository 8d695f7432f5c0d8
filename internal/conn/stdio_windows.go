package conn

import (
	"io"
	"os"
)

type hangup struct{}

func (*hangup) stop() {}

func (s *Stdio) init() {}

func (s *Stdio) Read(p []byte) (int, error) {
	f := s.In
	if f == nil {
		f = os.Stdin
	}
	n, err := f.Read(p)
	if err != nil && err != io.EOF {
		err = InputError(err)
	}
	return n, err
}

func (s *Stdio) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.output().Write(p)
	s.progress.Touch()
	if err != nil {
		err = outputError(err)
	}
	return n, err
}

func (s *Stdio) output() *os.File {
	if s.Out != nil {
		return s.Out
	}
	return os.Stdout
}

// endOutput closes standard output.
func (s *Stdio) endOutput() error { return s.output().Close() }

// Gone cannot be known here.
func (s *Stdio) Gone() error { return nil }

// ready cannot be known here: it is false.
func (s *Stdio) ready() bool { return false }

// KeepsBounds is not known here: standard output is taken for a stream.
func (s *Stdio) KeepsBounds() bool { return false }
