//go:build unix

package echo

import (
	"io"

	"golang.org/x/sys/unix"
)

// receiveRaw reads from the socket. It borrows the buffer when there is something to
// read, so that a connection that waits has none.
func (c *connection) receiveRaw() (b *[]byte, n int, err error) {
	waited := c.raw.Read(func(fd uintptr) bool {
		b = c.borrow()
		for {
			n, err = unix.Read(int(fd), *b)
			if err != unix.EINTR {
				break
			}
		}
		if err == unix.EAGAIN {
			giveBack(b)
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
	c.clock.Touch()
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
