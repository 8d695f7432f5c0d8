package conn

import (
	"net"
	"syscall"
	"time"
)

// SocketOptions are what setsockopt(2) is asked for on every socket that is
// opened. The zero value leaves all to the system, but for TCP_NODELAY, which
// is on, and keep-alive, which is sent every 15 s.
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
	// MPTCP opens a multipath socket where the kernel has them.
	MPTCP bool
	// ReusePort lets several processes bind the same port (SO_REUSEPORT).
	ReusePort bool
}

// KeepAliveInterval is sent when SocketOptions do not say otherwise.
const KeepAliveInterval = 15 * time.Second

// keepAlive is o's keep-alive as the net package wants it.
func (o *SocketOptions) keepAlive() net.KeepAliveConfig {
	d := o.Keepalive
	if d == 0 {
		d = KeepAliveInterval
	}
	if d < 0 {
		return net.KeepAliveConfig{}
	}
	return net.KeepAliveConfig{Enable: true, Idle: d, Interval: d, Count: 9}
}

// control sets what must be set before a socket is bound or connected. A
// refused option is an error: what was asked for is done or said.
func (o *SocketOptions) control(network string, c syscall.RawConn) error {
	if o.TOS == 0 && o.TTL == 0 && o.Interface == "" && o.SendBuffer == 0 && o.ReceiveBuffer == 0 && !o.ReusePort {
		return nil
	}
	var err error
	if e := c.Control(func(fd uintptr) { err = o.set(network, fd) }); e != nil {
		return e
	}
	return err
}

// tune sets what can be set once there is a connection.
func (o *SocketOptions) tune(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok && o.Delay {
		_ = t.SetNoDelay(false) // it fails only on a closed connection
	}
}
