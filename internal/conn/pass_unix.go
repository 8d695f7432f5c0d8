//go:build unix

package conn

import (
	"errors"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// CanPass returns an error if a descriptor cannot be passed over standard output, which
// must be a Unix socket.
func CanPass() error {
	fd := descriptor(nil, os.Stdout)
	a, err := unix.Getsockname(fd)
	if err != nil {
		return outputError(err)
	}
	if _, ok := a.(*unix.SockaddrUnix); !ok {
		return outputError(errors.New("a descriptor is handed over a Unix socket only"))
	}
	return nil
}

// Pass passes c over standard output (SCM_RIGHTS, unix(7)) with one byte of data,
// as OpenSSH's ProxyUseFdpass and nc's -F do. The receiver gets it in blocking
// mode. It stays open here, too.
func Pass(c net.Conn) error {
	s, ok := c.(syscall.Conn)
	if !ok {
		return outputError(errors.New("the connection has no descriptor of its own"))
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return outputError(err)
	}
	out := descriptor(nil, os.Stdout)
	if e := raw.Control(func(fd uintptr) {
		if err = unix.SetNonblock(int(fd), false); err == nil {
			err = sendRights(out, unix.UnixRights(int(fd)))
		}
	}); e != nil {
		err = e
	}
	if err != nil {
		return outputError(err)
	}
	return nil
}

// sendRights sends one byte with the rights; standard output may be in
// non-blocking mode.
func sendRights(out int, rights []byte) error {
	for {
		err := unix.Sendmsg(out, []byte{0}, rights, nil, msgNoSignal)
		switch err {
		case unix.EAGAIN:
			await(out, unix.POLLOUT)
		case unix.EINTR:
		default:
			return err
		}
	}
}
