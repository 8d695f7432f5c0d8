//go:build unix

package echo

import (
	"cmp"
	"syscall"

	"golang.org/x/sys/unix"
)

// sendUnix sends to a Unix datagram socket without ever blocking: the reply to a
// peer that does not read is dropped, with EAGAIN.
func (p *packets) sendUnix(raw syscall.RawConn) func([]byte, *origin) error {
	return func(b []byte, to *origin) (err error) {
		closed := raw.Control(func(fd uintptr) {
			err = unix.Sendto(int(fd), b, unix.MSG_DONTWAIT, &unix.SockaddrUnix{Name: to.name})
		})
		return cmp.Or(closed, err)
	}
}
