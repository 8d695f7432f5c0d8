//go:build unix

package conn

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

func closeOnExec(fd int) { unix.CloseOnExec(fd) }

// SocketOf returns a copy of the socket f as a listener, a datagram socket or a
// connection. The error is ENOTSOCK if f is no socket; a stream socket that has never had
// a peer is an error, too. f stays open.
func SocketOf(f *os.File) (s Handed, err error) {
	fd := int(f.Fd())
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return s, err
	}
	s.Messages = kind == unix.SOCK_SEQPACKET
	listening, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	switch {
	case kind == unix.SOCK_DGRAM:
		s.Packet, err = net.FileConn(f)
	case err == nil && listening != 0:
		s.Listener, err = net.FileListener(f)
	default:
		_, noPeer := unix.Getpeername(fd)
		unconnected := noPeer == unix.ENOTCONN && pollNow(fd, 0)&unix.POLLERR == 0 // else it was reset
		if s.Conn, err = net.FileConn(f); err == nil && unconnected {
			_ = s.Conn.Close()
			err = fmt.Errorf("%s neither listens nor is connected", EndpointOf(s.Conn.LocalAddr()))
		}
	}
	return s, err
}

// CanPass returns an error if a descriptor cannot be passed over standard output, which
// must be a Unix socket.
func CanPass() error {
	fd := descriptor(os.Stdout)
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
	err := errors.New("the connection has no descriptor of its own")
	out := descriptor(os.Stdout)
	_ = rawConn(c).Control(func(fd uintptr) {
		if err = unix.SetNonblock(int(fd), false); err == nil {
			err = sendRights(out, unix.UnixRights(int(fd)))
		}
	})
	return outputError(err)
}

// sendRights sends one byte with the rights; standard output may be in non-blocking mode.
func sendRights(out int, rights []byte) error {
	for {
		err := unix.Sendmsg(out, []byte{0}, rights, nil, msgNoSignal)
		switch err {
		case unix.EAGAIN:
			waitReady(out, unix.POLLOUT)
		case unix.EINTR:
		default:
			return err
		}
	}
}

// duplicate returns another descriptor of the same open file.
func duplicate(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: f.Name(), Err: err}
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// inherited reports whether the descriptor is open and was so when the process
// began: those that it opens itself are closed on exec.
func inherited(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}
