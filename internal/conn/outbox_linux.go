package conn

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An outbox sends datagrams. Consecutive datagrams of one length are sent in one call
// where the kernel can cut them (UDP_SEGMENT, udp(7)): 46 of 1400 bytes cost as much
// as one or two. Others are sent one by one: sendmmsg(2) that stops half-way does not
// return the error, and an ICMP refusal, which the kernel reports once, would be lost.
type outbox struct {
	raw      syscall.RawConn
	segments bool // the kernel cuts
	noWait   bool // send returns EAGAIN rather than wait

	p         []byte
	cut       Cut
	sent      int
	to        []byte // the destination; empty is the connected peer
	control   []byte // the source address (PKTINFO)
	segmented []byte // control and the length to cut at
	err       error
	many      []byte   // the destination of a manyConn, or of a CAN broadcast
	can       *canConn // nil if the socket is of another family
	try       func(fd uintptr) bool
}

// segmentsMost is how many datagrams the kernel cuts from one call
// (UDP_MAX_SEGMENTS of Linux 4.18).
const segmentsMost = 64

func newOutbox(c net.Conn) *outbox {
	o := &outbox{raw: rawConn(c)}
	_ = o.raw.Control(func(fd uintptr) {
		_, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT)
		o.segments = err == nil
	})
	if m, ok := c.(*manyConn); ok {
		o.many = sockaddrOf(m.to)
	}
	if c, ok := c.(*canConn); ok {
		o.can, o.many = c, c.broadcast
	}
	return o
}

// send sends the datagrams in p to a peer; nil is the connected one. It waits until one
// can be sent, sends until the socket is full, and returns how many bytes of p were sent.
func (o *outbox) send(p []byte, cut Cut, to *Sender) (int, error) {
	if o.can != nil {
		select {
		case <-o.can.closing: // write may have left a call behind, which uses o
			return 0, errUnfinished
		default:
		}
	}
	o.p, o.cut, o.sent, o.err = p, cut, 0, nil
	o.to, o.control = o.many, nil
	if to != nil {
		o.control = to.control
		if len(to.sockaddr) > 0 {
			o.to = to.sockaddr
		}
	}
	if o.try == nil {
		o.try = o.trySend
	}
	for {
		o.err = nil
		if err := o.write(); err != nil {
			return 0, err
		}
		if o.can == nil || o.err != unix.ENOBUFS {
			return o.sent, o.err
		}
		if o.sent > 0 {
			return o.sent, nil
		}
		time.Sleep(busyPause)
	}
}

// write calls try until the socket has taken something. ISO-TP's sendmsg(2) waits in the
// kernel until the peer has received the PDU, and no deadline ends it. When the socket is
// closed meanwhile, write leaves that call behind; it ends with the process at the latest.
func (o *outbox) write() error {
	if o.can == nil || o.can.closing == nil {
		return o.raw.Write(o.try)
	}
	written := make(chan error, 1)
	go func() { written <- o.raw.Write(o.try) }() // ends when sendmsg(2) returns
	select {
	case err := <-written:
		return err
	case <-o.can.closing:
		return errUnfinished
	}
}

// trySend sends what the socket takes. It returns false if that was nothing, so that
// the poller waits for it. The calls do not block, and may be raw.
func (o *outbox) trySend(fd uintptr) bool {
	for {
		n, size := o.run(o.p[o.sent:])
		p := o.p[o.sent : o.sent+n]
		if o.can != nil && o.can.sending != nil {
			if p, o.err = o.can.sending(p); o.err != nil {
				return true
			}
		}
		switch errno := o.sendmsg(fd, p, size); errno {
		case 0:
			if o.sent += n; o.sent == len(o.p) {
				return true
			}
		case unix.EINTR:
		case unix.EAGAIN:
			if o.noWait {
				o.err = errno
			}
			return o.noWait || o.sent > 0
		case unix.EINVAL, unix.EIO, unix.EMSGSIZE, unix.EOPNOTSUPP:
			if size > 0 { // the device, the route or a datagram's size does not allow it
				o.segments = false
				continue
			}
			o.err = o.can.errorOf(errno)
			return true
		default:
			o.err = errno
			return true
		}
	}
}

// run is how many bytes of p go out in one call, and the length at which the
// kernel cuts them; 0 is one datagram. The last may be shorter than the others.
func (o *outbox) run(p []byte) (n, size int) {
	size = o.cut.first(p)
	n = size
	for count := 1; o.segments && size > 0 && count < segmentsMost && n < len(p); count++ {
		next := o.cut.first(p[n:])
		if next > size || n+next > MaxDatagram {
			break
		}
		if n += next; next < size {
			break
		}
	}
	if n == size {
		size = 0
	}
	return n, size
}

// sendmsg sends p, cut at each size bytes unless that is 0.
func (o *outbox) sendmsg(fd uintptr, p []byte, size int) syscall.Errno {
	vector := unix.Iovec{Base: unsafe.SliceData(p)}
	vector.SetLen(len(p))
	h := unix.Msghdr{Iov: &vector}
	h.SetIovlen(1)
	if len(o.to) > 0 {
		h.Name, h.Namelen = &o.to[0], uint32(len(o.to))
	}
	control := o.control
	if size > 0 {
		o.segmented = appendSegment(append(o.segmented[:0], control...), size)
		control = o.segmented
	}
	h.Control = unsafe.SliceData(control)
	h.SetControllen(len(control))
	if o.can != nil { // ISO-TP's call blocks, even with MSG_DONTWAIT
		_, _, errno := unix.Syscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&h)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		return errno
	}
	_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&h)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	return errno
}

// appendSegment appends the control message that has the kernel cut at size.
func appendSegment(control []byte, size int) []byte {
	at := len(control)
	control = append(control, make([]byte, unix.CmsgSpace(2))...)
	h := (*unix.Cmsghdr)(unsafe.Pointer(&control[at]))
	h.Level, h.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(control[at+unix.CmsgLen(0):], uint16(size))
	return control
}

// sockaddrOf is a as a socket's address (ip(7), ipv6(7)).
func sockaddrOf(a netip.AddrPort) []byte {
	family, ip := uint16(unix.AF_INET6), a.Addr()
	if ip.Is4() {
		family = unix.AF_INET
	}
	raw := binary.NativeEndian.AppendUint16(nil, family)
	raw = binary.BigEndian.AppendUint16(raw, a.Port())
	if ip.Is4() {
		return append(append(raw, ip.AsSlice()...), make([]byte, 8)...)
	}
	raw = append(append(raw, 0, 0, 0, 0), ip.AsSlice()...)
	scope, _ := strconv.Atoi(ip.Zone())
	if i, err := net.InterfaceByName(ip.Zone()); err == nil {
		scope = i.Index
	}
	return binary.NativeEndian.AppendUint32(raw, uint32(scope))
}

// Dropped is how many datagrams the kernel has dropped because the receive buffer
// of c was full (SO_MEMINFO, socket(7), of Linux 4.12; the counter is that of
// SO_RXQ_OVFL). It costs nothing before it is asked.
func Dropped(c net.Conn) int64 {
	var memory [unix.SK_MEMINFO_VARS]uint32
	_ = rawConn(c).Control(func(fd uintptr) {
		size := uint32(unsafe.Sizeof(memory))
		_, _, _ = unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&memory)), uintptr(unsafe.Pointer(&size)), 0)
	})
	return int64(memory[unix.SK_MEMINFO_DROPS])
}
