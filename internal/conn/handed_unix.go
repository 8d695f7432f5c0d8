//go:build unix

package conn

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

func closeOnExec(fd int) { unix.CloseOnExec(fd) }

// SocketOf returns a copy of the socket f as a listener, a datagram socket or a
// connection. The error is ENOTSOCK if f is no socket. f stays open.
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
		s.Packet, err = net.FilePacketConn(f)
	case err == nil && listening != 0:
		s.Listener, err = net.FileListener(f)
	default:
		s.Conn, err = net.FileConn(f)
	}
	return s, err
}
