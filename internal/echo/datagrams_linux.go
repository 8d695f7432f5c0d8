package echo

import (
	"context"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"gcat/internal/conn"
)

// A rawOrigin is what makes the answer to a datagram leave from the address that
// it was sent to: IP_PKTINFO or IPV6_PKTINFO.
type rawOrigin struct {
	control [96]byte
	used    int
}

// each calls take for each datagram until ctx ends. On a UDP socket on all
// addresses it asks the kernel for the destination address of each.
func (p *packets) each(ctx context.Context) {
	udp, ok := p.socket.Packet.(*net.UDPConn)
	if !ok {
		sc, ok := p.socket.Packet.(syscall.Conn)
		if _, unixgram := p.socket.Packet.LocalAddr().(*net.UnixAddr); ok && unixgram { // and not CAN
			if raw, err := sc.SyscallConn(); err == nil {
				p.send = p.sendUnix(raw)
			}
		}
		p.eachPortable(ctx)
		return
	}
	p.send = func(b []byte, to *origin) error {
		_, _, err := udp.WriteMsgUDPAddrPort(b, to.raw.control[:to.raw.used], to.addr)
		return err
	}
	buf, from := make([]byte, bufferSize), origin{}
	var control []byte
	if a := udp.LocalAddr().(*net.UDPAddr); a.IP == nil || a.IP.IsUnspecified() {
		control = from.raw.control[:]
		if raw, err := udp.SyscallConn(); err == nil {
			_ = raw.Control(askPacketInfo) // it fails only on a closed socket
		}
	}
	for ctx.Err() == nil {
		n, used, _, addr, err := udp.ReadMsgUDPAddrPort(buf, control)
		if err != nil {
			p.readFailed(ctx, err)
			continue
		}
		from.addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
		from.to, from.cast, from.raw.used = netip.Addr{}, false, used
		if used > 0 {
			from.destination()
		}
		p.take(buf[:n], &from)
	}
}

// askPacketInfo asks the kernel for the destination address of each datagram. The
// option of the other address family fails.
func askPacketInfo(fd uintptr) {
	_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
}

// destination reads the destination address of a datagram from its control messages
// (ip(7), ipv6(7)), and keeps the message that makes the answer leave from that
// address. The routing table chooses the interface, except for link-local
// addresses. An IPv4 datagram on an IPv6 socket has a message of each family; for
// the answer the kernel accepts only that of IPv4. An IPv4 datagram was broadcast
// or multicast if its destination is not the local address that would answer.
func (o *origin) destination() {
	var chosen []byte
	for rest := o.raw.control[:o.raw.used]; len(rest) >= unix.SizeofCmsghdr; {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&rest[0]))
		length := int(h.Len)
		if length < unix.CmsgLen(0) || length > len(rest) {
			break
		}
		data := rest[unix.CmsgLen(0):length]
		space := min(unix.CmsgSpace(len(data)), len(rest))
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			info := (*unix.Inet4Pktinfo)(unsafe.Pointer(&data[0]))
			info.Ifindex = 0
			o.to, o.cast = netip.AddrFrom4(info.Addr), info.Addr != info.Spec_dst
			if info.Spec_dst == ([4]byte{}) { // it came before askPacketInfo
				o.cast = conn.ToMany(o.to)
				info.Spec_dst = info.Addr
			}
			chosen = rest[:space]
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo && chosen == nil:
			info := (*unix.Inet6Pktinfo)(unsafe.Pointer(&data[0]))
			o.to = netip.AddrFrom16(info.Addr).Unmap()
			o.cast = o.to.IsMulticast()
			if !o.to.IsLinkLocalUnicast() {
				info.Ifindex = 0
			}
			chosen = rest[:space]
		}
		rest = rest[space:]
	}
	o.raw.used = copy(o.raw.control[:], chosen)
}
