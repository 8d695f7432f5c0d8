//go:build unix

package main

import (
	"fmt"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"gcat/internal/conn"
	"gcat/internal/echo"
)

// inetd is the name of the socket, or the pair of files, that --inetd speaks on.
const inetd = "inetd"

// firstHanded is the first descriptor that LISTEN_FDS counts (sd_listen_fds(3)).
const firstHanded = 3

// handedOver returns the sockets that were handed over by LISTEN_FDS, if they
// are meant for this process.
func handedOver() (sockets []echo.Socket, err error) {
	count, pid := os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_PID")
	if count == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > 1<<16 {
		return nil, &conn.Error{Why: conn.Local, Err: fmt.Errorf("LISTEN_FDS is %q: want a number", count)}
	}
	for _, name := range []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"} {
		_ = os.Unsetenv(name) // the sockets are not handed on
	}
	for fd := firstHanded; fd < firstHanded+n; fd++ {
		unix.CloseOnExec(fd)
		f := os.NewFile(uintptr(fd), fmt.Sprintf("descriptor %d", fd))
		s, err := socketOf(f)
		_ = f.Close() // socketOf has made a copy
		if err != nil {
			return sockets, &conn.Error{Why: conn.Local, Op: fmt.Sprintf("LISTEN_FDS: descriptor %d", fd), Err: err}
		}
		sockets = append(sockets, s)
	}
	return sockets, nil
}

// socketOf makes of a descriptor what it is: a listener, a socket of datagrams,
// or a connection.
func socketOf(f *os.File) (echo.Socket, error) {
	fd := int(f.Fd())
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return echo.Socket{}, err
	}
	if kind == unix.SOCK_DGRAM {
		p, err := net.FilePacketConn(f)
		if err != nil {
			return echo.Socket{}, err
		}
		return echo.Socket{Packet: p, Name: conn.EndpointOf(p.LocalAddr()).String()}, nil
	}
	messages := kind == unix.SOCK_SEQPACKET
	if listening, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && listening != 0 {
		l, err := net.FileListener(f)
		if err != nil {
			return echo.Socket{}, err
		}
		return echo.Socket{Listener: l, Name: conn.EndpointOf(l.Addr()).String(), Messages: messages}, nil
	}
	c, err := net.FileConn(f)
	if err != nil {
		return echo.Socket{}, err
	}
	return echo.Socket{Conn: c, Name: conn.EndpointOf(c.LocalAddr()).String(), Messages: messages}, nil
}

// openInetd makes a socket of standard input, or a connection of standard input
// and output if that is none.
func openInetd() (echo.Socket, error) {
	s, err := socketOf(os.Stdin)
	if err == unix.ENOTSOCK {
		s, err = echo.Socket{Conn: newStdio()}, nil
	}
	if err != nil {
		return s, &conn.Error{Why: conn.Local, Op: "standard input", Err: err}
	}
	s.Name = inetd
	return s, nil
}
