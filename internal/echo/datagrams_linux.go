package echo

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A rawOrigin is what the kernel said of a datagram, for the answer to it.
type rawOrigin struct {
	name    unix.RawSockaddrAny
	length  uint32
	control [96]byte // IP_PKTINFO or IPV6_PKTINFO
	used    int
}

// A wire receives from and sends to a UDP socket by recvmsg(2) and sendmsg(2),
// as many as there are each time the poller wakes it, with nothing allocated.
type wire struct {
	packets *packets
	raw     syscall.RawConn
	fd      uintptr // while receive runs
	info    bool    // the socket is bound to all addresses: PKTINFO tells which
	buf     []byte
	from    origin
	length  uint32 // of the address that recvfrom wrote
	iov     unix.Iovec
	msg     unix.Msghdr
}

// batch is how many datagrams are answered before others get their turn.
const batch = 64

func (p *packets) each(ctx context.Context) {
	sc, ok := p.socket.Packet.(syscall.Conn)
	if !ok {
		p.eachPortable(ctx)
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		p.eachPortable(ctx)
		return
	}
	a, udp := p.socket.Packet.LocalAddr().(*net.UDPAddr)
	if _, unixgram := p.socket.Packet.LocalAddr().(*net.UnixAddr); !udp && !unixgram {
		p.eachPortable(ctx)
		return
	}
	if !udp {
		p.send = p.sendUnix(raw)
		p.eachPortable(ctx)
		return
	}
	w := &wire{packets: p, raw: raw, buf: make([]byte, bufferSize), info: a.IP == nil || a.IP.IsUnspecified()}
	if w.info {
		_ = raw.Control(askPacketInfo) // it fails only on a closed socket
	}
	p.send = w.send
	for ctx.Err() == nil {
		if err := w.receive(); err != nil {
			p.readFailed(ctx, err)
		}
	}
}

// askPacketInfo asks the kernel to say where each datagram was sent. One of the
// two options does not fit the socket's family.
func askPacketInfo(fd uintptr) {
	_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
}

// receive waits for datagrams and takes a batch of them.
func (w *wire) receive() error {
	var failed error
	err := w.raw.Read(func(fd uintptr) bool {
		w.fd = fd
		for i := range batch {
			n, errno := w.recvmsg(fd)
			switch errno {
			case 0:
				w.origin()
				w.packets.take(w.buf[:n], &w.from)
			case unix.EAGAIN:
				return i > 0
			case unix.EINTR:
			default:
				failed = errno
				return true
			}
		}
		return true
	})
	if failed != nil {
		return failed
	}
	return err
}

func (w *wire) recvmsg(fd uintptr) (int, syscall.Errno) {
	r := &w.from.raw
	if !w.info {
		w.length = unix.SizeofSockaddrAny
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&w.buf[0])), uintptr(len(w.buf)),
			unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(&r.name)), uintptr(unsafe.Pointer(&w.length)))
		r.length, r.used = w.length, 0
		return int(n), errno
	}
	w.iov.Base = &w.buf[0]
	w.iov.SetLen(len(w.buf))
	w.msg.Iov, w.msg.Iovlen = &w.iov, 1
	w.msg.Name, w.msg.Namelen = (*byte)(unsafe.Pointer(&r.name)), unix.SizeofSockaddrAny
	w.msg.Control = &r.control[0]
	w.msg.SetControllen(len(r.control))
	n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&w.msg)), unix.MSG_DONTWAIT)
	r.length, r.used = w.msg.Namelen, int(w.msg.Controllen)
	return int(n), errno
}

// origin reads what recvmsg said about the datagram.
func (w *wire) origin() {
	o := &w.from
	o.addr = addrPort(&o.raw.name)
	o.to, o.cast = netip.Addr{}, false
	if w.info {
		o.destination()
	}
}

// isBroadcast reports whether an IPv4 address is one to many, as far as our
// interfaces tell.
func isBroadcast(a netip.Addr) bool {
	if a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return true
	}
	addrs, _ := net.InterfaceAddrs() // without them nothing is known
	for _, addr := range addrs {
		n, ok := addr.(*net.IPNet)
		if !ok || n.IP.To4() == nil || len(n.Mask) != net.IPv4len {
			continue
		}
		ones, _ := n.Mask.Size()
		last := [4]byte(n.IP.To4())
		for i := range last {
			last[i] |= ^n.Mask[i]
		}
		if ones < 31 && a == netip.AddrFrom4(last) {
			return true
		}
	}
	return false
}

// addrPort reads a socket address of either family.
func addrPort(name *unix.RawSockaddrAny) netip.AddrPort {
	port := func(p *uint16) uint16 { return binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(p))[:]) }
	switch name.Addr.Family {
	case unix.AF_INET:
		a := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), port(&a.Port))
	case unix.AF_INET6:
		a := (*unix.RawSockaddrInet6)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), port(&a.Port))
	}
	return netip.AddrPort{}
}

// destination reads the address that a datagram was sent to from the control
// messages (ip(7), ipv6(7)), and keeps the one that makes the answer leave from
// there; no interface is prescribed. An IPv4 datagram on an IPv6 socket has one
// of each, of which the kernel takes back only IPv4's. In IPv4 a datagram was
// broadcast or multicast if the local address that would answer is not the one in
// its header.
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
			if info.Spec_dst == ([4]byte{}) { // it came before we had asked
				o.cast = isBroadcast(o.to)
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

// send sends b to whence a datagram came, from where it was sent to. The answer
// to the datagram at hand, which is nearly every one, goes out without a detour.
func (w *wire) send(b []byte, to *origin) (err error) {
	if to == &w.from {
		return sendmsg(w.fd, b, &to.raw)
	}
	if closed := w.raw.Control(func(fd uintptr) { err = sendmsg(fd, b, &to.raw) }); closed != nil {
		return closed
	}
	return err
}

func sendmsg(fd uintptr, b []byte, to *rawOrigin) error {
	for tries := 0; ; tries++ {
		errno := sendOnce(fd, b, to)
		switch {
		case errno == 0:
			return nil
		case errno != unix.EAGAIN && errno != unix.EINTR || tries > 20:
			return errno
		}
		// The send buffer is full: the interface empties it in its own time.
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 5)
	}
}

func sendOnce(fd uintptr, b []byte, to *rawOrigin) syscall.Errno {
	const flags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
	data := unsafe.SliceData(b)
	if to.used == 0 {
		_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(data)), uintptr(len(b)),
			flags, uintptr(unsafe.Pointer(&to.name)), uintptr(to.length))
		return errno
	}
	iov := unix.Iovec{Base: data}
	iov.SetLen(len(b))
	msg := unix.Msghdr{Name: (*byte)(unsafe.Pointer(&to.name)), Namelen: to.length, Iov: &iov, Iovlen: 1, Control: &to.control[0]}
	msg.SetControllen(to.used)
	_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&msg)), flags)
	return errno
}
