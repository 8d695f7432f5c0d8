package conn

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"strconv"
)

// A Handed is a socket that this process was given: one of the three is set.
type Handed struct {
	Listener net.Listener
	Packet   net.Conn // a datagram socket
	Conn     net.Conn // connected already
	// Messages is set if it is of type SOCK_SEQPACKET.
	Messages bool
}

// Addr returns the address that the socket is bound to; nil for none.
func (h Handed) Addr() net.Addr {
	if h.Listener != nil {
		return h.Listener.Addr()
	}
	if c := cmp.Or(h.Packet, h.Conn); c != nil {
		return c.LocalAddr()
	}
	return nil
}

// Close closes the socket.
func (h Handed) Close() error {
	if h.Listener != nil {
		return h.Listener.Close()
	}
	if c := cmp.Or(h.Packet, h.Conn); c != nil {
		return c.Close()
	}
	return nil
}

// firstHanded is the first descriptor that LISTEN_FDS counts (sd_listen_fds(3)).
const firstHanded = 3

// HandedOver returns the sockets that a service manager passes by LISTEN_FDS, if
// LISTEN_PID is this process. It removes the variables from the environment.
func HandedOver() (sockets []Handed, err error) {
	count := os.Getenv("LISTEN_FDS")
	if count == "" || os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > 1<<16 {
		return nil, &Error{Why: Local, Err: fmt.Errorf("LISTEN_FDS is %q: want a number", count)}
	}
	for _, name := range []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"} {
		_ = os.Unsetenv(name) // child processes do not inherit the sockets
	}
	for fd := firstHanded; fd < firstHanded+n; fd++ {
		closeOnExec(fd)
		f := os.NewFile(uintptr(fd), fmt.Sprintf("descriptor %d", fd))
		s, err := SocketOf(f)
		_ = f.Close() // SocketOf has made a copy
		if err != nil {
			return sockets, &Error{Why: Local, Op: fmt.Sprintf("LISTEN_FDS: descriptor %d", fd), Err: err}
		}
		sockets = append(sockets, s)
	}
	return sockets, nil
}
