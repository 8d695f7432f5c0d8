package echo

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"gcat/internal/conn"
)

// each calls take for each datagram until ctx ends.
func (p *packets) each(ctx context.Context) {
	if u, ok := p.socket.Packet.(*net.UDPConn); ok {
		p.eachUDP(ctx, u)
		return
	}
	p.send = func(b []byte, to *origin) error {
		_, err := p.socket.Packet.WriteTo(b, to.peer)
		return err
	}
	if _, unixgram := p.socket.Packet.LocalAddr().(*net.UnixAddr); unixgram { // and not CAN
		if raw, err := p.socket.Packet.(syscall.Conn).SyscallConn(); err == nil {
			p.send = p.sendUnix(raw)
		}
	}
	buf := make([]byte, messageSize)
	for ctx.Err() == nil {
		n, from, err := p.socket.Packet.ReadFrom(buf)
		if err != nil {
			p.readFailed(ctx, err)
			continue
		}
		o := originOf(from)
		p.take(buf[:n], &o)
	}
}

// eachUDP is each for UDP. The answer to a datagram leaves from the address that the
// datagram was sent to, which only a socket on all addresses has to be told.
func (p *packets) eachUDP(ctx context.Context, u *net.UDPConn) {
	p.send = func(b []byte, to *origin) error {
		_, _, err := u.WriteMsgUDPAddrPort(b, to.control, to.addr)
		return err
	}
	buf, from := make([]byte, bufferSize), origin{}
	var control []byte
	if a := u.LocalAddr().(*net.UDPAddr); a.IP == nil || a.IP.IsUnspecified() {
		control = make([]byte, conn.AskDestination(u))
	}
	for ctx.Err() == nil {
		n, used, _, addr, err := u.ReadMsgUDPAddrPort(buf, control)
		if err != nil {
			p.readFailed(ctx, err)
			continue
		}
		from.addr = unmapped(addr)
		from.control, from.toMany = conn.AnswerFrom(control[:used])
		p.take(buf[:n], &from)
	}
}

// receivePause is the pause after an error of receiving, so that a lasting error does not
// keep a processor busy.
const receivePause = 100 * time.Millisecond

// readFailed reports an error of receiving and waits for receivePause.
func (p *packets) readFailed(ctx context.Context, err error) {
	if ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	p.report(Event{Kind: Failed, Err: &conn.Error{Why: conn.Local, Op: "receive on " + p.socket.Name, Err: err}})
	select {
	case <-time.After(receivePause):
	case <-ctx.Done():
	}
}

// originOf is the origin with the address from; its destination is not known.
func originOf(from net.Addr) (o origin) {
	switch a := from.(type) {
	case nil: // one of a pair (socketpair(2)), which has no name
	case *net.UDPAddr:
		o.addr = unmapped(a.AddrPort())
	case *net.UnixAddr:
		if a != nil && a.Name != "@" {
			o.name = a.Name
		}
	default: // of CAN
		o.name, o.peer = a.String(), a
	}
	return o
}

// unmapped is an IPv4 address as such, also from an IPv6 socket.
func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
