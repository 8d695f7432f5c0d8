//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gcat/internal/conn"
)

// canHandOver says that a process can be started on a socket.
const canHandOver = true

// ownGroup puts the command into a process group of its own, so that all of it
// can be ended.
func ownGroup(cmd *exec.Cmd) {
	adopt()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

func signalGroup(pid int, s syscall.Signal) { _ = unix.Kill(-pid, s) } // it may have ended

// handOver starts the command on the socket itself, in blocking mode as
// programs expect it, and closes our copy last, in order.
func (g *gcat) handOver(ctx context.Context, cmd *exec.Cmd, c net.Conn, where conn.Endpoint) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	peer, start := g.peerName(c, where), time.Now()
	if limit := g.idleLimit(); limit > 0 {
		go watchIdle(ctx, cancel, c, limit, peer)
	}
	before := countSocket(c)
	over := g.countingOf(peer, func() (sent, received int64) {
		now := countSocket(c)
		return now.sent - before.sent, now.received - before.taken
	})
	err := startOn(cmd, c)
	if err == nil {
		err = await(ctx, cmd)
	}
	failed := g.failure(err)
	if failed == nil {
		failed = unnoticed(c, peer, before)
	}
	setNonblock(c, true)
	after := countSocket(c)
	result := conn.Result{
		Sent: after.sent - before.sent, Received: after.received - before.taken,
		EndedBy: brokenBy(ctx, "local"), Err: cause(ctx, failed),
	}
	switch e, _ := errors.AsType[*conn.Error](failed); {
	case e != nil && e.Why == conn.ResetByPeer:
		result.EndedBy = brokenBy(ctx, "reset")
	case after.ended:
		result.EndedBy = brokenBy(ctx, "peer")
	}
	socket := conn.NewSocket(c, nil)
	if err := bid(ctx, socket); err != nil {
		result.Unacknowledged = socket.Unacknowledged()
		if result.Err == nil {
			result.EndedBy, result.Err = brokenBy(ctx, "reset"), undelivered(ctx, peer, result.Unacknowledged, err)
		}
	}
	over()
	result.Duration = time.Since(start)
	g.closed(c, &conn.Relay{Peer: peer}, result)
	_ = socket.Close() // nothing is left in it
	return result.Err
}

// unnoticed is a failure of the connection that the command has not met: it
// neither read nor wrote afterwards (SO_ERROR, socket(7)).
func unnoticed(c net.Conn, peer string, before counts) error {
	errno := 0
	control(c, func(fd int) { errno, _ = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR) })
	if errno == 0 || syscall.Errno(errno) == syscall.EPIPE { // after the peer's end: the wait for acknowledgement tells what that means
		return nil
	}
	return conn.ReceiveError(peer, countSocket(c).received-before.received, syscall.Errno(errno))
}

// brokenBy is what the log calls the end of a conversation: that of ctx, if it
// came first, else by.
func brokenBy(ctx context.Context, by string) string {
	if ctx.Err() == nil {
		return by
	}
	if e, ok := errors.AsType[*conn.Error](context.Cause(ctx)); !ok {
		return "signal"
	} else if e.Why != conn.Timeout {
		return "local"
	}
	return "timeout"
}

// bid ends the connection of a command that has ended: it shuts our half down,
// waits until the peer's kernel has acknowledged all that was written, and
// throws away what the peer goes on sending for a while: closing on it would be
// a reset, which could overtake the command's last words.
func bid(ctx context.Context, socket *conn.Socket) error {
	_ = socket.CloseWrite() // what it means is found out by the wait
	f := newFarewell()
	go func() { // ends with the peer's half, or when the socket is closed
		_, _ = io.Copy(f, socket)
		f.done()
	}()
	err := socket.Acknowledged(ctx)
	if err == nil {
		f.wait()
	}
	return err
}

// undelivered says what the peer did not take.
func undelivered(ctx context.Context, peer string, n int64, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &conn.Error{Why: conn.NotDelivered, Op: fmt.Sprintf("send to %s: %d bytes not delivered", peer, n), Err: err}
}

// startOn starts cmd with c as its standard input and output.
func startOn(cmd *exec.Cmd, c net.Conn) error {
	f, err := c.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.SetNonblock(int(f.Fd()), false); err != nil { // shared by all copies
		return err
	}
	cmd.Stdin, cmd.Stdout = f, f
	return cmd.Start()
}

func setNonblock(c net.Conn, nonblocking bool) {
	control(c, func(fd int) { _ = unix.SetNonblock(fd, nonblocking) })
}

func control(c net.Conn, f func(fd int)) {
	if s, ok := c.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { f(int(fd)) })
		}
	}
}

// watchIdle ends a conversation that gcat does not see when the kernel has
// counted no byte either way for limit. It ends with ctx.
func watchIdle(ctx context.Context, cancel context.CancelCauseFunc, c net.Conn, limit time.Duration, peer string) {
	pause := max(limit/16, 5*time.Millisecond)
	tick := time.NewTicker(pause)
	defer tick.Stop()
	last, since, looked := countSocket(c), time.Now(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		late := time.Since(looked) - pause
		looked = time.Now()
		if now := countSocket(c); now != last || conn.Leapt(limit, late) {
			last, since = now, looked
		} else if time.Since(since) >= limit {
			cancel(&conn.Error{Why: conn.Timeout, Op: peer, Err: fmt.Errorf("no byte moved for %v (idle limit)", limit)})
			return
		}
	}
}
