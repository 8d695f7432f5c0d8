//go:build unix

package conn

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// writeAll writes p by as many calls of write(2) as it takes. It holds the
// descriptor's write lock all the time, so that concurrent writes do not mix.
func (s *Socket) writeAll(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	waited := s.raw.Write(func(fd uintptr) bool {
		for n < len(p) {
			var m int
			m, err = unix.Write(int(fd), p[n:])
			switch {
			case m > 0:
				n += m
				s.progress.Touch()
			case err == unix.EINTR:
			case err == unix.EAGAIN:
				return false
			default:
				return true
			}
		}
		return true
	})
	if waited != nil && (err == nil || errors.Is(err, unix.EAGAIN)) && n < len(p) {
		err = waited
	}
	if err != nil && n == len(p) {
		err = nil
	}
	return n, err
}

// Gone blocks until the peer is known to be gone for good: a reset has come, or
// a Unix peer has closed rather than shut down. It is for the time after the
// peer's end of file, when nothing is read any more; Interrupt ends it.
func (s *Socket) Gone() error {
	if s.raw == nil {
		select {}
	}
	return s.raw.Read(func(fd uintptr) bool {
		poll := []unix.PollFd{{Fd: int32(fd)}} // POLLERR and POLLHUP always count
		n, err := unix.Poll(poll, 0)
		return err == nil && n > 0
	})
}

// pendingError returns and clears what went wrong on the socket since anybody
// asked (SO_ERROR).
func (s *Socket) pendingError() (err error) {
	if s.raw == nil {
		return nil
	}
	_ = s.raw.Control(func(fd uintptr) {
		if errno, e := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); e == nil && errno != 0 {
			err = syscall.Errno(errno)
		}
	})
	return err
}

// Readable returns how many bytes can be read without waiting (FIONREAD).
func (s *Socket) Readable() (n int) {
	if s.raw == nil {
		return 0
	}
	_ = s.raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), fionread) })
	return n
}
