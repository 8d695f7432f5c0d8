package epoll

import (
	"net"
	"net/netip"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gcat/internal/conn"
)

// A Group is the loops of one server.
type Group struct {
	loops   []*loop
	running sync.WaitGroup
}

// Start starts a loop for every two processors: on one machine the clients need the
// other half. It returns nil if no loop can be made.
func Start(config Config) *Group {
	g := new(Group)
	for range max(runtime.GOMAXPROCS(0)/2, 1) {
		l, err := newLoop(config)
		if err != nil {
			break
		}
		g.loops = append(g.loops, l)
		g.running.Go(l.run) // ends with Stop
	}
	if len(g.loops) == 0 {
		return nil
	}
	return g
}

// Prepare sets what accepted sockets inherit from their listener: TCP_NODELAY
// and keep-alive. Unix sockets have neither.
func (g *Group) Prepare(listener syscall.RawConn) {
	every := int(conn.KeepAliveInterval / time.Second)
	_ = listener.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, every)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, every)
	})
}

// Accept accepts a pending connection; nil if another process has accepted it.
func (g *Group) Accept(listener syscall.RawConn) (c *Conn, err error) {
	var fd int
	var sa unix.Sockaddr
	closed := listener.Control(func(l uintptr) {
		for {
			fd, sa, err = unix.Accept4(int(l), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			if err != unix.EINTR {
				return
			}
		}
	})
	switch {
	case closed != nil:
		return nil, closed
	case err == unix.EAGAIN:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &Conn{fd: int32(fd), remote: addrPort(sa)}, nil
}

// Add begins to echo an accepted connection, which must be open. If Add fails, the
// caller closes it.
func (g *Group) Add(c *Conn) error { return g.loops[int(c.Number)%len(g.loops)].add(c) }

// EndAll begins to close all connections in order, and returns how many there are.
func (g *Group) EndAll() (n int) {
	for _, l := range g.loops {
		n += l.endAll()
	}
	return n
}

// Stop ends the loops, all of whose connections have ended.
func (g *Group) Stop() {
	for _, l := range g.loops {
		_ = l.file.Close() // nothing was written to it
	}
	g.running.Wait()
}

// Close closes the socket. It must not be called between Add and Ended.
func (c *Conn) Close() { _, _, _ = unix.RawSyscall(unix.SYS_CLOSE, uintptr(c.fd), 0, 0) }

// Remote is the peer's address.
func (c *Conn) Remote() net.Addr {
	if c.remote.IsValid() { // a connection that was reset has none any more
		return net.TCPAddrFromAddrPort(c.remote)
	}
	return addr(unix.Getpeername(int(c.fd)))
}

// Local is our address.
func (c *Conn) Local() net.Addr { return addr(unix.Getsockname(int(c.fd))) }

func addr(sa unix.Sockaddr, _ error) net.Addr {
	if a := addrPort(sa); a.IsValid() {
		return net.TCPAddrFromAddrPort(a)
	}
	name := ""
	if u, ok := sa.(*unix.SockaddrUnix); ok {
		name = u.Name
	}
	return &net.UnixAddr{Name: name, Net: "unix"}
}

// addrPort is the address of an IP socket, IPv4 as IPv4.
func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		a := netip.AddrFrom16(sa.Addr).Unmap()
		if i, err := net.InterfaceByIndex(int(sa.ZoneId)); err == nil && a.Is6() {
			a = a.WithZone(i.Name)
		}
		return netip.AddrPortFrom(a, uint16(sa.Port))
	}
	return netip.AddrPort{}
}
