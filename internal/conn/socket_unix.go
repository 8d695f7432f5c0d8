//go:build unix

package conn

import (
	"cmp"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// writeAll writes p with as many calls of write(2) as needed. Concurrent writes do not
// interleave.
func (s *Socket) writeAll(p []byte) (n int, err error) {
	w := &s.writer
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.try == nil {
		w.try = s.tryWrite
	}
	w.p, w.n, w.err = p, 0, nil
	defer s.part.Store(0)
	waited := s.raw.Write(w.try)
	w.p = nil
	if w.n == len(p) {
		return w.n, nil
	}
	return w.n, cmp.Or(waited, w.err)
}

// A writer is the write in progress. It is kept: a closure for each write would be the
// only garbage of a conversation.
type writer struct {
	mu  sync.Mutex
	try func(fd uintptr) bool
	p   []byte
	n   int
	err error
}

// tryWrite writes what the kernel takes. It returns true if that was all, or on an error.
// An empty write is a call, too: it may be an empty message.
func (s *Socket) tryWrite(fd uintptr) bool {
	w := &s.writer
	for {
		m, err := unix.Write(int(fd), w.p[w.n:])
		switch {
		case m > 0:
			w.n += m
			if s.wrote(w.n); w.n == len(w.p) {
				return true
			}
		case err != unix.EINTR:
			w.err = err
			return err != unix.EAGAIN
		}
	}
}

// Gone blocks until the peer is known to be gone for good: a reset has come, or
// a Unix peer has closed rather than shut down. It is for the time after the
// peer's end of file, when nothing is read any more; Interrupt ends it.
func (s *Socket) Gone() error {
	return s.raw.Read(func(uintptr) bool { return s.IsGone() })
}

// IsGone reports whether Gone would return at once.
func (s *Socket) IsGone() (gone bool) {
	_ = s.raw.Control(func(fd uintptr) { gone = pollNow(int(fd), 0) != 0 })
	return gone
}

// ReadyToRead reports whether a read would not have to wait (poll(2)).
func ReadyToRead(c syscall.RawConn) (ready bool) {
	_ = c.Control(func(fd uintptr) { ready = pollNow(int(fd), unix.POLLIN) != 0 })
	return ready
}

// pollNow returns which of events, POLLERR and POLLHUP poll(2) reports of fd, without
// waiting.
func pollNow(fd int, events int16) int16 {
	poll := []unix.PollFd{{Fd: int32(fd), Events: events}}
	if _, err := unix.Poll(poll, 0); err != nil {
		return 0
	}
	return poll[0].Revents
}

// pendingError returns and clears what went wrong on a socket (SO_ERROR).
func pendingError(c syscall.RawConn) (err error) {
	_ = c.Control(func(fd uintptr) {
		if errno, e := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); e == nil && errno != 0 {
			err = syscall.Errno(errno)
		}
	})
	return err
}

// readable returns how many bytes can be read without waiting (FIONREAD).
func (s *Socket) readable() (n int) {
	_ = s.raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), fionread) })
	return n
}

// reuseAddress lets a source port be used again while an old connection from it
// is in TIME_WAIT (SO_REUSEADDR, socket(7)).
func reuseAddress(c syscall.RawConn) {
	_ = c.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) })
}
