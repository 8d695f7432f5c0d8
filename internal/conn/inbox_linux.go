package conn

import (
	"bytes"
	"encoding/binary"
	"net"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A receiver receives by recvmmsg(2): one datagram a call at first, and twice as many
// behind a call that got all it could, so that a quiet socket costs one buffer.
//
// While datagrams come in quick succession it waits for the next in poll(2), in this
// thread: the runtime's poller would wake two threads for each.
type receiver struct {
	conn        net.Conn
	raw         syscall.RawConn
	can         *canConn // nil if the socket is of another family
	headers     []mmsghdr
	vectors     []unix.Iovec
	arrivals    []arrival
	names       [][nameSize]byte
	size        int // of each
	controlSize int // for a datagram's control messages
	most        int // of this call
	n           int
	errno       syscall.Errno
	polls       bool      // it may wait in poll(2): with GOMAXPROCS=1 no other goroutine would run meanwhile
	came        time.Time // the last datagrams
	brisk       bool      // they came soon after those before, and there are no more yet
	try         func(fd uintptr) bool
}

// A mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	unix.Msghdr
	n uint32
}

// receiveMost is how many datagrams a call receives at most, and nameSize is the
// room for an address.
const (
	receiveMost = 32
	nameSize    = unix.SizeofSockaddrAny
)

// newInbox receives from c datagrams of at most size bytes, each with at most controlSize
// bytes of control messages.
func newInbox(c net.Conn, size, controlSize int) *inbox {
	b := &inbox{receiver: receiver{conn: c, raw: rawConn(c), size: size, controlSize: controlSize, polls: runtime.GOMAXPROCS(0) > 1}}
	b.grow(1)
	b.can, _ = c.(*canConn)
	return b
}

// grow makes room for n datagrams a call.
func (r *receiver) grow(n int) {
	r.headers = make([]mmsghdr, n)
	r.vectors = make([]unix.Iovec, n)
	r.arrivals = make([]arrival, n)
	r.names = make([][nameSize]byte, n)
	buf, control := make([]byte, n*r.size), make([]byte, n*r.controlSize)
	for i := range r.headers {
		r.arrivals[i] = arrival{data: buf[i*r.size : (i+1)*r.size], control: control[i*r.controlSize : (i+1)*r.controlSize]}
		r.vectors[i].Base = unsafe.SliceData(r.arrivals[i].data)
		r.vectors[i].SetLen(r.size)
		h := &r.headers[i].Msghdr
		h.Name, h.Iov, h.Control = &r.names[i][0], &r.vectors[i], unsafe.SliceData(r.arrivals[i].control)
		h.SetIovlen(1)
	}
}

// receive waits for a datagram, and returns up to most of those received. They are valid
// until the next call.
func (r *receiver) receive(most int) ([]arrival, error) {
	if r.try == nil {
		r.try = r.tryReceive
	}
	if r.n == len(r.arrivals) && r.n < receiveMost {
		r.grow(2 * r.n)
	}
	r.most = min(most, len(r.arrivals))
	if err := r.raw.Read(r.try); err != nil {
		return nil, err
	}
	if r.errno != 0 {
		return nil, r.can.errorOf(r.errno)
	}
	now := time.Now()
	r.brisk = now.Sub(r.came) < briskWait && r.n < r.most && r.polls
	r.came = now
	for i := range r.n {
		h, s := &r.headers[i], &r.arrivals[i]
		s.data = s.data[:min(int(h.n), r.size)]
		s.truncated = h.Flags&unix.MSG_TRUNC != 0
		s.from = r.names[i][:h.Namelen]
		s.control = s.control[:h.Controllen]
		if r.can != nil && r.can.received != nil {
			r.can.received(s)
		}
	}
	return r.arrivals[:r.n], nil
}

// pollBusy is true while a receiver waits in poll(2). One does at a time: the other
// threads are for the other sockets.
var pollBusy atomic.Bool

// tryReceive calls recvmmsg(2) without notice to the scheduler, because it does not
// block. So it calls ppoll(2), although that blocks for up to briskWait: the notice
// would cost as much as the wait saves.
func (r *receiver) tryReceive(fd uintptr) bool {
	if r.brisk && pollBusy.CompareAndSwap(false, true) {
		poll, limit := unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}, unix.NsecToTimespec(int64(briskWait))
		_, _, _ = unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
		pollBusy.Store(false)
	}
	r.brisk = false
	for i := range r.most {
		h := &r.headers[i].Msghdr
		h.Namelen, h.Flags = nameSize, 0
		h.SetControllen(r.controlSize)
	}
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.headers[0])), uintptr(r.most), unix.MSG_DONTWAIT, 0, 0)
		if errno != unix.EINTR {
			r.n, r.errno = int(n), errno
			return errno != unix.EAGAIN
		}
	}
}

// addr is the sender of s; nil if it has no address.
func (b *inbox) addr(s *arrival) net.Addr {
	if b.can != nil {
		return b.can.sender(s.from)
	}
	from := s.from
	if len(from) <= 2 { // a Unix socket without an address
		return nil
	}
	switch family := binary.NativeEndian.Uint16(from); {
	case family == unix.AF_INET && len(from) >= unix.SizeofSockaddrInet4:
		return &net.UDPAddr{IP: bytes.Clone(from[4:8]), Port: port(from)}
	case family == unix.AF_INET6 && len(from) >= unix.SizeofSockaddrInet6:
		return &net.UDPAddr{IP: bytes.Clone(from[8:24]), Port: port(from), Zone: zoneName(binary.NativeEndian.Uint32(from[24:]))}
	case family == unix.AF_UNIX:
		path := from[2:]
		if path[0] == 0 { // abstract, unix(7)
			return &net.UnixAddr{Net: "unixgram", Name: "@" + string(path[1:])}
		}
		path, _, _ = bytes.Cut(path, []byte{0})
		return &net.UnixAddr{Net: "unixgram", Name: string(path)}
	}
	return nil
}

// port is the port of a struct sockaddr_in or sockaddr_in6.
func port(sockaddr []byte) int { return int(binary.BigEndian.Uint16(sockaddr[2:])) }

func zoneName(index uint32) string {
	if index == 0 {
		return ""
	}
	if i, err := net.InterfaceByIndex(int(index)); err == nil {
		return i.Name
	}
	return strconv.Itoa(int(index))
}
