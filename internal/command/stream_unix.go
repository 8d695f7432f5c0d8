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

// A stream is a command as the local side of a relay. Read returns io.EOF when the
// command has ended. If the command closes its output earlier, the peer gets the
// half-close at once, and what the peer sends is still written to the command.
type stream struct {
	command     *Command
	in, out     *os.File // our ends of its pipes
	remote      conn.Stream
	ctx         context.Context
	kill        context.CancelFunc
	exited      chan struct{} // closed when the command has ended, after err is set
	err         error
	exitedFirst bool        // the command ended before ctx did
	endedFirst  atomic.Bool // its output ended before the peer's, and half-closed the connection
	*linger
}

// Run runs the command, and returns when it and the connection have ended.
func (c *Command) Run(ctx context.Context) conn.Result {
	if !c.Relayed && c.takesSocket() {
		return c.runOnSocket(ctx)
	}
	remote := conn.StreamOf(c.Conn)
	s, err := c.startOnPipes(ctx, remote)
	if err != nil {
		conn.CloseInOrder(c.Conn, lingerPause)
		return conn.Result{EndedBy: "local", Err: c.failure(err)}
	}
	result := c.Relay(s, remote)
	if result.EndedBy == "peer" && s.endedFirst.Load() {
		result.EndedBy = "local" // the peer's end came during the linger
	}
	result.Err = s.end(result.Err)
	return result
}

// startOnPipes starts the command with pipes as its standard streams.
func (c *Command) startOnPipes(ctx context.Context, remote conn.Stream) (*stream, error) {
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
	s := &stream{command: c, in: in, out: out, remote: remote, exited: make(chan struct{}), linger: newLinger()}
	s.ctx, s.kill = context.WithCancel(ctx)
	go s.waitForCommand(cmd)
	return s, nil
}

// waitForCommand waits for cmd, and ends with it. A process outside the group may still
// hold the output open; the deadline lets Read return what is in the pipe and then EOF.
func (s *stream) waitForCommand(cmd *process) {
	s.err = cmd.waitForGroup(s.ctx)
	s.exitedFirst = s.ctx.Err() == nil
	close(s.exited)
	_ = s.out.SetReadDeadline(time.Unix(1, 0))
}

// Read reads the command's output. It returns io.EOF only after the command has
// ended and the linger is over.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.out.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		n, err = s.readLeft(p)
	}
	if err == io.EOF {
		s.endedFirst.Store(s.peerEOF.Err() == nil)
		_ = s.remote.CloseWrite() // the relay's own CloseWrite reports a failure
		<-s.exited
		s.wait(s.ctx)
	}
	return n, err
}

// readLeft reads what is in the pipe without waiting for more.
func (s *stream) readLeft(p []byte) (n int, err error) {
	control(s.out, func(fd int) { n, _ = unix.Read(fd, p) })
	if n <= 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Write writes to the command's input. Input that the command does not read is
// discarded, as it would be if the command had the socket.
func (s *stream) Write(p []byte) (int, error) {
	_, _ = s.linger.Write(p)
	n, err := s.in.Write(p)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) {
		return len(p), nil
	}
	return n, err
}

// CloseWrite ends the command's input.
func (s *stream) CloseWrite() error {
	s.recordEOF()
	return s.in.Close()
}

// end closes the pipes, waits for the command, and returns the first failure: err,
// which ended the conversation, or the command's own failure if that caused err. If
// err is a time limit, the command is killed at once; otherwise it is killed if it
// still runs after the idle limit.
func (s *stream) end(err error) error {
	first := s.endedBefore(err)
	if conn.KindOf(err) == conn.Timeout {
		s.kill()
	} else if limit := s.command.Idle; limit > 0 {
		defer time.AfterFunc(limit, s.kill).Stop()
	}
	_, _ = s.in.Close(), s.out.Close() // one may be closed already
	<-s.exited
	s.kill()
	if err != nil && !(first && s.err != nil && s.exitedFirst) {
		return err
	}
	return s.command.failure(s.err)
}

// endedBefore reports whether the command ended, or closed its output, before err
// ended the conversation; err is then the peer's reaction.
func (s *stream) endedBefore(err error) bool {
	select {
	case <-s.exited:
		return true
	default:
	}
	return conn.KindOf(err) == conn.CutShort && s.endedFirst.Load()
}
