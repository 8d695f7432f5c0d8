//go:build unix

package command

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gcat/internal/conn"
)

// A Stream is a command as the local side of a relay. Its input ends when the
// command has ended; if the command merely closes its output, that end is passed
// on at once, and what the peer sends is still written to it.
type Stream struct {
	command *Command
	in, out *os.File // our ends of its pipes
	remote  conn.Stream
	ctx     context.Context
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
	s, err := c.startPiped(ctx, remote)
	if err != nil {
		_ = conn.CloseInOrder(c.Conn, lingerPause)
	}
	return s, c.failure(err)
}

func (c *Command) startPiped(ctx context.Context, remote conn.Stream) (*Stream, error) {
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
	cmd, err := start(c.prepare(theirIn, theirOut))
	if err != nil {
		_, _ = in.Close(), out.Close()
		return nil, err
	}
	s := &Stream{command: c, in: in, out: out, remote: remote, ended: make(chan struct{}), linger: newLinger()}
	s.ctx, s.kill = context.WithCancel(ctx)
	go s.await(cmd)
	return s, nil
}

// await waits for cmd, and ends with it. A process outside its group may keep
// its output open: what that has written by then is read, and no more.
func (s *Stream) await(cmd *process) {
	s.err = cmd.await(s.ctx)
	s.itself = s.ctx.Err() == nil
	close(s.ended)
	_ = s.out.SetReadDeadline(time.Unix(1, 0))
}

// Read reads the command's output. It returns the end of file when the command
// has ended, too.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.out.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		n, err = s.readLeft(p)
	}
	if err == io.EOF {
		s.shut.Store(true)
		_ = s.remote.CloseWrite() // the relay does it again, and reports a failure
		<-s.ended
		s.wait(s.ctx)
	}
	return n, err
}

// readLeft reads what is in the pipe, and waits for no more.
func (s *Stream) readLeft(p []byte) (n int, err error) {
	raw, err := s.out.SyscallConn()
	if err != nil {
		return 0, io.EOF
	}
	_ = raw.Control(func(fd uintptr) { n, _ = unix.Read(int(fd), p) })
	if n <= 0 {
		return 0, io.EOF
	}
	return n, nil
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

// End closes the pipes, waits for the command, and returns the first failure: err,
// which ended the conversation, or the command's own if err follows from that.
// The idle limit goes on for a command whose conversation is over; a clock that
// passed for that has passed for the command, too.
func (s *Stream) End(err error) error {
	first := s.endedBefore(err)
	if e, ok := errors.AsType[*conn.Error](err); ok && e.Why == conn.Timeout {
		s.kill()
	} else if limit := s.command.Idle; limit > 0 {
		defer time.AfterFunc(limit, s.kill).Stop()
	}
	_, _ = s.in.Close(), s.out.Close() // one may be closed already
	<-s.ended
	s.kill()
	if err != nil && !(first && s.err != nil && s.itself) {
		return err
	}
	return s.command.failure(s.err)
}

// endedBefore reports whether the command had ended before err ended the
// conversation, or its output had, to which err is the peer's answer.
func (s *Stream) endedBefore(err error) bool {
	select {
	case <-s.ended:
		return true
	default:
	}
	e, ok := errors.AsType[*conn.Error](err)
	return ok && e.Why == conn.CutShort && s.shut.Load()
}
