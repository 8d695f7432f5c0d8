package echo

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"gcat/internal/conn"
)

// prepare sets what accepted sockets inherit from their listener: TCP_NODELAY
// and keep-alive. Unix sockets have neither.
func (a *acceptor) prepare() {
	every := int(conn.KeepAliveInterval / time.Second)
	_ = a.raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, every)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, every)
	})
}

// acceptRaw accepts a connection, for which a place is taken, into a loop.
// TCP_NODELAY and keep-alive come from the listener.
func (a *acceptor) acceptRaw() error {
	s := a.server
	fd, sa, err := a.accept4()
	if err != nil {
		s.gate.giveBack()
		if err == unix.EAGAIN {
			return nil // another process was faster
		}
		return err
	}
	p := &peer{fd: int32(fd), endpoint: &a.socket, remote: sockaddrPort(sa)}
	if s.Permits != nil && !a.permitsRaw(p) {
		_ = unix.Close(fd)
		s.gate.giveBack()
		return nil
	}
	s.gate.admit()
	p.number = s.Totals.Connections.Add(1)
	s.Totals.Now.Add(1)
	s.live.Add(1)
	l := s.loops[int(p.number)%len(s.loops)]
	if s.Trace {
		l.report(p, Event{Kind: Accepted})
	}
	if err := l.add(p); err != nil {
		_ = unix.Close(fd)
		s.Totals.Now.Add(-1)
		s.gate.leave()
		s.live.Done()
		return err
	}
	return nil
}

func (a *acceptor) accept4() (fd int, sa unix.Sockaddr, err error) {
	closed := a.raw.Control(func(listener uintptr) {
		for {
			fd, sa, err = unix.Accept4(int(listener), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			if err != unix.EINTR {
				break
			}
		}
	})
	if closed != nil {
		err = closed
	}
	return fd, sa, err
}

func (a *acceptor) permitsRaw(p *peer) bool {
	var remote net.Addr = &net.UnixAddr{Net: "unix"}
	if p.remote.IsValid() {
		remote = net.TCPAddrFromAddrPort(p.remote)
	}
	return a.server.permits(remote, a.socket.Listener.Addr(), a.socket)
}

// sockaddrPort is the address of an IP socket, IPv4 as IPv4.
func sockaddrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		addr := netip.AddrFrom16(sa.Addr).Unmap()
		if sa.ZoneId != 0 && addr.Is6() {
			addr = addr.WithZone(zoneName(sa.ZoneId))
		}
		return netip.AddrPortFrom(addr, uint16(sa.Port))
	}
	return netip.AddrPort{}
}

func zoneName(index uint32) string {
	if i, err := net.InterfaceByIndex(int(index)); err == nil {
		return i.Name
	}
	return fmt.Sprint(index)
}

func sockaddrName(sa unix.Sockaddr) string {
	if a := sockaddrPort(sa); a.IsValid() {
		return a.String()
	}
	if u, ok := sa.(*unix.SockaddrUnix); ok {
		return addrName(&net.UnixAddr{Name: u.Name, Net: "unix"})
	}
	return ""
}
