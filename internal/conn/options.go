package conn

import (
	"cmp"
	"net"
	"strings"
	"syscall"
	"time"
)

// SocketOptions are the options set by setsockopt(2) on every socket that is opened.
// The zero value turns TCP_NODELAY on, sends keep-alive probes every 15 s, may
// replace bbr (see Congestion), and leaves everything else to the system.
type SocketOptions struct {
	// Keepalive is the idle time before, and the interval between, keep-alive
	// probes; 0 is 15 s, negative turns them off.
	Keepalive time.Duration
	// Delay turns Nagle's algorithm on (TCP_NODELAY off).
	Delay bool
	// TOS is the type of service or traffic class byte; 0 is the system's.
	TOS int
	// TTL is the time to live or hop limit, 1 to 255; 0 is the system's.
	TTL int
	// Interface binds to a device (SO_BINDTODEVICE).
	Interface string
	// SendBuffer and ReceiveBuffer are SO_SNDBUF and SO_RCVBUF in bytes; 0 is
	// the system's.
	SendBuffer, ReceiveBuffer int
	// Congestion names the congestion control (TCP_CONGESTION); "system" leaves
	// the system's. Empty leaves it, too, except that reno replaces bbr on the
	// loopback, where bbr's pacing costs throughput and there is no loss.
	Congestion string
	// MPTCP opens a multipath socket where the kernel has them.
	MPTCP bool
	// ReusePort lets several processes bind the same port (SO_REUSEPORT).
	ReusePort bool
}

// KeepAliveInterval is the default of SocketOptions.Keepalive.
const KeepAliveInterval = 15 * time.Second

// keepAlive is o's keep-alive as the net package wants it.
func (o *SocketOptions) keepAlive() net.KeepAliveConfig {
	d := cmp.Or(o.Keepalive, KeepAliveInterval)
	return net.KeepAliveConfig{Enable: d > 0, Idle: d, Interval: d, Count: 9}
}

// control sets the options of a socket that is about to be bound or connected to
// address. It returns an error if the system refuses one.
func (o *SocketOptions) control(network, address string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) {
		if err = o.set(network, fd); err == nil && strings.HasPrefix(network, "tcp") {
			err = o.setCongestion(fd, address)
		}
	}); e != nil {
		return e
	}
	return err
}

// Tune sets the options that can be set on an established connection.
func (o *SocketOptions) Tune(c net.Conn) {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	if o.Delay {
		_ = t.SetNoDelay(false) // it fails only on a closed connection
	}
	if remote := t.RemoteAddr(); remote != nil { // else it was handed over, and its peer has reset it, or it has none
		_ = rawConn(t).Control(func(fd uintptr) { _ = o.setCongestion(fd, remote.String()) })
	}
}
