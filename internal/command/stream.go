package command

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"

	"gcat/internal/conn"
)

// A Stream is a command as the local side of a relay. Its input ends when the
// command has ended; if the command merely closes its output, that end is passed
// on at once, and what the peer sends is still written to it.
type Stream struct {
	command *Command
	in, out *os.File // our ends of its pipes
	remote  conn.Stream
	kill    context.CancelFunc
	ended   chan struct{} // closed when the command has ended; then err says how
	err     error
	itself  bool        // it ended by itself
	shut    atomic.Bool // the end of its output has been passed on
	*linger
}

// Start starts the command with pipes as its standard streams. If it cannot be
// started, the connection is closed in order.
func (c *Command) Start(ctx context.Context, remote conn.Stream) (*Stream, error) {
	s, err := c.start(ctx, c.prepare(), remote)
	if err != nil {
		_ = conn.CloseInOrder(c.Conn, lingerPause)
	}
	return s, c.failure(err)
}

func (c *Command) start(ctx context.Context, cmd *exec.Cmd, remote conn.Stream) (*Stream, error) {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirIn.Close()
	out, theirOut, err := os.Pipe()
	if err != nil {
		_ = in.Close()
		return nil, err
	}
	defer theirOut.Close()
	cmd.Stdin, cmd.Stdout = theirIn, theirOut
	if err := cmd.Start(); err != nil {
		_, _ = in.Close(), out.Close()
		return nil, err
	}
	ctx, kill := context.WithCancel(ctx)
	s := &Stream{command: c, in: in, out: out, remote: remote, kill: kill, ended: make(chan struct{}), linger: newLinger()}
	go func() { // ends with the command
		s.err = await(ctx, cmd)
		s.itself = ctx.Err() == nil
		close(s.ended)
	}()
	return s, nil
}

// Read reads the command's output. It returns the end of file when the command
// has ended, too.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.out.Read(p)
	if err == io.EOF {
		s.shut.Store(true)
		_ = s.remote.CloseWrite() // the relay does it again, and reports a failure
		<-s.ended
		s.wait()
	}
	return n, err
}

// Write gives the command its input. Input that the command does not read is
// thrown away, as it would be if the command had the socket.
func (s *Stream) Write(p []byte) (int, error) {
	_, _ = s.linger.Write(p)
	n, err := s.in.Write(p)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) {
		return len(p), nil
	}
	return n, err
}

// CloseWrite ends the command's input.
func (s *Stream) CloseWrite() error {
	s.done()
	return s.in.Close()
}

// EndedBefore reports whether the command had ended before err ended the
// conversation, or its output had, to which err is the peer's answer.
func (s *Stream) EndedBefore(err error) bool {
	select {
	case <-s.ended:
		return true
	default:
	}
	e, ok := errors.AsType[*conn.Error](err)
	return ok && e.Why == conn.CutShort && s.shut.Load()
}

// End closes the pipes, waits for the command, and returns the first failure: err,
// which ended the conversation, or, if that follows from the command's end
// (first), the command's own. A clock that passed for the connection has passed
// for the command, too.
func (s *Stream) End(err error, first bool) error {
	if e, ok := errors.AsType[*conn.Error](err); ok && e.Why == conn.Timeout {
		s.kill()
	}
	_, _ = s.in.Close(), s.out.Close() // one may be closed already
	<-s.ended
	s.kill()
	if err != nil && !(first && s.err != nil && s.itself) {
		return err
	}
	return s.command.failure(s.err)
}
