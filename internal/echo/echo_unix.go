//go:build unix

package echo

import (
	"cmp"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// room is how many connections there are descriptors for; 0 is no limit. The sockets are
// open already; each needs one descriptor more, for the acceptor's copy.
func (s *Server) room(sockets int) int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > 1<<30 {
		return 0
	}
	open, _ := os.ReadDir("/dev/fd")
	n := int(limit.Cur) - cmp.Or(len(open), 16) - sockets - spareDescriptors
	if s.To != nil {
		n /= 2 // each has another one to the target
	}
	return max(n, 1)
}

// spareDescriptors are left for the poller, the fast path and what the Go runtime
// opens for a moment.
const spareDescriptors = 8

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
