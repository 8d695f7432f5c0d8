//go:build unix

package echo

import (
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// open prepares the wait for connections. A listener of package net offers no
// wait without an accept, so the acceptor waits on a copy of its descriptor. If
// there is none, Accept does the waiting.
func (a *acceptor) open() {
	l, ok := a.socket.Listener.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := l.SyscallConn()
	if err != nil {
		return
	}
	fd := -1
	_ = raw.Control(func(listener uintptr) { fd, err = unix.FcntlInt(listener, unix.F_DUPFD_CLOEXEC, 0) })
	if fd < 0 || err != nil {
		return
	}
	f := os.NewFile(uintptr(fd), "listener")
	if err = f.SetReadDeadline(time.Time{}); err == nil { // an error if it cannot be polled
		a.raw, err = f.SyscallConn()
	}
	if err != nil {
		_ = f.Close()
		return
	}
	a.watch = f
}

// ready waits for a connection and takes a slot for it. It returns false if no
// slot is free or the wait was interrupted. It takes the slot after the wait:
// otherwise a listener without clients would keep the last slot from the other
// listeners.
func (a *acceptor) ready() (ok bool) {
	if a.raw == nil {
		return a.server.slots.take(a.secure())
	}
	_ = a.raw.Read(func(fd uintptr) bool { // the interrupt is its only error
		if !readable(fd) {
			return false
		}
		ok = a.server.slots.take(a.secure())
		return true
	})
	return ok
}

// waiting reports whether a connection waits in the backlog.
func (a *acceptor) waiting() (ok bool) {
	_ = a.raw.Control(func(fd uintptr) { ok = readable(fd) }) // it fails only on a closed listener
	return ok
}

func readable(fd uintptr) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(p, 0)
		if err != unix.EINTR {
			return err == nil && n > 0
		}
	}
}

// room is how many connections there are descriptors for; 0 is no limit. The sockets are
// open already; each needs one descriptor more, for the acceptor's copy.
func (s *Server) room(sockets int) int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > 1<<30 {
		return 0
	}
	n := int(limit.Cur) - openDescriptors() - sockets - spareDescriptors
	if s.To != nil {
		n /= 2 // each has another one to the target
	}
	return max(n, 1)
}

// spareDescriptors are left for the poller, the fast path and what the Go runtime
// opens for a moment.
const spareDescriptors = 8

// openDescriptors is how many descriptors this process has.
func openDescriptors() int {
	names, err := os.ReadDir("/dev/fd")
	if err != nil {
		return 16
	}
	return len(names)
}

// receiveRaw reads from the socket. It borrows the buffer when there is something to
// read, so that a connection that waits has none.
func (c *connection) receiveRaw() (b *[]byte, n int, err error) {
	waited := c.raw.Read(func(fd uintptr) bool {
		b = c.buffers.Get().(*[]byte)
		for {
			n, err = unix.Read(int(fd), *b)
			if err != unix.EINTR {
				break
			}
		}
		if err == unix.EAGAIN {
			c.buffers.Put(b)
			b = nil
			return false
		}
		return true
	})
	switch {
	case b == nil:
		return nil, 0, waited
	case err != nil:
		return b, 0, err
	case n == 0:
		return b, 0, io.EOF
	}
	c.progress.Touch()
	return b, n, nil
}

// gone reports whether the peer has reset the connection or, where poll(2) shows it
// (POLLERR, POLLHUP), closed it.
func (c *connection) gone() (gone bool) {
	raw, err := c.socket.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) { // it fails only on a closed connection
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd)}}, 0)
		gone = err == nil && n > 0
	})
	return gone
}
