//go:build unix

package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gcat/internal/conn"
)

// takesSocket reports whether the command can have the socket itself.
func (c *Command) takesSocket() bool {
	switch c.Conn.(type) {
	case *net.TCPConn:
		return canCount || c.Idle == 0
	case *net.UnixConn:
		return c.Idle == 0
	}
	return false
}

// runOnSocket runs the command on the socket itself, in blocking mode as programs expect
// it, waits for its end, and then closes our copy of the socket in order.
func (c *Command) runOnSocket(ctx context.Context) conn.Result {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	start := time.Now()
	stop := idleClock(c.Conn).AfterIdle(c.Idle, func() {
		cancel(&conn.Error{Why: conn.Timeout, Op: c.Peer, Err: fmt.Errorf("no byte moved for %v (idle limit)", c.Idle)})
	})
	defer stop()
	before := countSocket(c.Conn)
	counting := func() (sent, received int64) {
		now := countSocket(c.Conn).since(before)
		return now.sent, now.received
	}
	if !c.isTCP() || !canCount {
		counting = nil
	}
	done := c.Tally.Add(c.Peer, counting)
	cmd, err := c.startOnSocket()
	if err == nil {
		err = cmd.waitForGroup(ctx)
	}
	failed := cmp.Or(c.brokenBefore(before), c.failure(err)) // a reset may have made the command fail
	control(c.Conn, func(fd int) { _ = unix.SetNonblock(fd, true) })
	result := conn.Result{EndedBy: conn.EndedBy(ctx, "local"), Err: conn.Cause(ctx, failed)}
	end := countSocket(c.Conn).since(before)
	result.Sent, result.Received, result.Uncounted = end.sent, end.received, counting == nil
	switch {
	case conn.KindOf(failed) == conn.ResetByPeer:
		result.EndedBy = conn.EndedBy(ctx, "reset")
	case end.peerEOF:
		result.EndedBy = conn.EndedBy(ctx, "peer")
	}
	socket := conn.NewSocket(c.Conn)
	if err := c.drain(ctx, socket); err != nil {
		result.Unacknowledged = socket.Unacknowledged()
		if result.Err == nil || end.lost { // else the command has failed first
			op := fmt.Sprintf("send to %s: %d bytes not delivered", c.Peer, result.Unacknowledged)
			if !c.isTCP() {
				op = fmt.Sprintf("send to %s: not all bytes delivered", c.Peer) // they are gone, and the count with them
			}
			result.EndedBy = conn.EndedBy(ctx, "reset")
			result.Err = conn.Cause(ctx, &conn.Error{Why: conn.NotDelivered, Op: op, Err: err})
		}
	}
	done()
	result.Duration = time.Since(start)
	// A process outside the group may share the socket and set blocking mode again.
	// Close waits for a blocked read of ours, which the shutdown ends.
	control(c.Conn, func(fd int) { _ = unix.Shutdown(fd, unix.SHUT_RD) })
	_ = socket.Close() // nothing is left in it
	return result
}

// counts are the byte counts of a TCP connection. Only Linux has them.
type counts struct {
	sent     int64 // written to it
	received int64 // arrived from the peer
	taken    int64 // of these, read from it
	peerEOF  bool  // the peer's FIN has come
	closed   bool  // it is closed, and all that was sent is acknowledged
	lost     bool  // it is closed, and not all that was sent is acknowledged
	data     int64 // of sent, the bytes without a FIN (Linux 4.19)
}

// since returns what was sent and has arrived since before. If a connection is closed in
// order, both FINs are counted; after a reset, ours is not.
func (n counts) since(before counts) counts {
	n.sent, n.received = n.sent-before.sent, n.received-before.taken
	if n.closed && n.sent > n.data-before.data {
		n.sent, n.received, n.peerEOF = n.sent-1, n.received-1, true
	}
	return n
}

// brokenBefore returns the error of a connection that broke before the command ended. If
// the command has neither read nor written since, the kernel still has the error
// (SO_ERROR, socket(7)); a command that has met it may end with 0 all the same.
func (c *Command) brokenBefore(before counts) error {
	errno := 0
	control(c.Conn, func(fd int) { errno, _ = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR) })
	now := countSocket(c.Conn).since(before)
	switch failed := syscall.Errno(errno); {
	case failed == syscall.EPIPE:
		return nil // the peer has closed: drain reports what was not acknowledged
	case failed != 0 && !c.isTCP():
		return &conn.Error{Why: conn.ResetByPeer, Op: "receive from " + c.Peer, Err: failed}
	case failed != 0:
		return conn.ReceiveError(c.Peer, now.received, failed)
	case now.closed && !now.peerEOF: // by a reset
		return conn.ReceiveError(c.Peer, now.received, syscall.ECONNRESET)
	}
	return nil
}

func (c *Command) isTCP() bool {
	_, tcp := c.Conn.(*net.TCPConn)
	return tcp
}

// drain prepares the socket of a command that has ended for Close: it half-closes,
// waits until the peer's kernel has acknowledged all that was written, and then
// discards what the peer sends for as long as a linger waits.
func (c *Command) drain(ctx context.Context, socket *conn.Socket) error {
	_ = socket.CloseWrite() // Acknowledged returns the same failure
	l := newLinger()
	var unread error // of a Unix peer that has closed with bytes unread
	go func() {      // ends at EOF, or when the socket is closed
		if _, err := io.Copy(l, socket); !c.isTCP() && errors.Is(err, syscall.ECONNRESET) {
			unread = err
		}
		l.recordEOF()
	}()
	if err := socket.Acknowledged(ctx); err != nil {
		return err
	}
	l.wait(ctx)
	if l.peerEOF.Err() == nil {
		return nil
	}
	return unread
}

// startOnSocket starts the command with its connection as standard input and output.
func (c *Command) startOnSocket() (*process, error) {
	f, err := c.Conn.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := unix.SetNonblock(int(f.Fd()), false); err != nil { // the mode belongs to all copies
		return nil, err
	}
	return start(c.prepare(f, f))
}

// control calls f with the descriptor of c, a connection or a pipe.
func control(c any, f func(fd int)) {
	if s, ok := c.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { f(int(fd)) })
		}
	}
}

// idleClock returns an idle clock that looks at the bytes that the kernel has counted:
// to the clock they are a queue that shrinks.
func idleClock(c net.Conn) *conn.Progress {
	clock := &conn.Progress{Queued: func() int64 {
		n := countSocket(c)
		return math.MaxInt64 - n.sent - n.received - n.taken
	}}
	clock.Start()
	return clock
}
