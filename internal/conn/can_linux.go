package conn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// canFDF is the flag of an FD frame in a struct canfd_frame (CANFD_FDF of can.h).
const canFDF = 0x04

// A canConn is a CAN socket.
type canConn struct {
	*os.File
	local, remote canAddr
	index         int    // of the interface; 0 is all
	broadcast     []byte // destination of a broadcast (J1939); empty is the connected peer

	received func(*arrival)                 // changes a received datagram; nil is not
	sending  func(p []byte) ([]byte, error) // is the form in which a datagram is sent; nil is p

	closing chan struct{} // of ISO-TP: closed by Close; see outbox.write
	once    sync.Once
}

func (c *canConn) LocalAddr() net.Addr  { return c.local }
func (c *canConn) RemoteAddr() net.Addr { return c.remote }

// Close closes the socket and wakes the calls that wait for it. It does not wait until
// ISO-TP has sent a PDU.
func (c *canConn) Close() error {
	_ = c.SetDeadline(time.Unix(1, 0))
	if c.closing == nil {
		return c.File.Close()
	}
	c.once.Do(func() {
		close(c.closing)
		go func() { _ = c.File.Close() }() // ends when sendmsg(2) returns
	})
	return nil
}

func (c *canConn) gone() bool {
	_, err := net.InterfaceByIndex(c.index)
	return c.index != 0 && err != nil
}

// openCAN opens a socket for e: a server's with listen, else a client's, whose own
// J1939 address is from.
func openCAN(e Endpoint, from string, o SocketOptions, listen bool) (*canConn, error) {
	p, err := e.canPlace()
	if err != nil {
		return nil, err
	}
	kind := unix.SOCK_DGRAM
	if p.protocol == unix.CAN_RAW {
		kind = unix.SOCK_RAW
	}
	fd, err := unix.Socket(unix.AF_CAN, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, p.protocol)
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EPROTONOSUPPORT) {
		return nil, &Error{Why: Unsupported, Err: fmt.Errorf("this kernel has no %s sockets: %s", strings.ToUpper(e.Network), Words(err))}
	}
	if err != nil {
		return nil, err
	}
	c := &canConn{local: canAddr{e}, remote: canAddr{e}}
	if err = c.setUp(fd, p, from, o, listen); err != nil {
		_ = unix.Close(fd)
		switch {
		case errors.Is(err, unix.ENETDOWN): // the bus may be up again later, as while it is used
			err = &Error{Why: ResetByPeer, Err: err}
		case errors.Is(err, unix.ENODEV):
			err = &Error{Why: NotFound, Err: fmt.Errorf("%q is no CAN interface", p.device)}
		}
		return nil, err
	}
	c.File = os.NewFile(uintptr(fd), e.Address())
	return c, nil
}

// setUp sets the socket's options, and binds it.
func (c *canConn) setUp(fd int, p canPlace, from string, o SocketOptions, listen bool) error {
	if p.device != "" {
		i, err := interfaceNamed(p.device)
		if err != nil {
			return err
		}
		c.index = i.Index
	}
	if err := o.set("can", uintptr(fd)); err != nil {
		return err
	}
	switch p.protocol {
	case unix.CAN_RAW:
		return c.setUpRaw(fd, p)
	case unix.CAN_ISOTP:
		c.received = func(s *arrival) { s.from = nil } // there is one peer, which no answer names
		c.closing = make(chan struct{})
		return c.setUpISOTP(fd, p, listen)
	case unix.CAN_J1939:
		return c.setUpJ1939(fd, p, from, listen)
	}
	return unix.Connect(fd, &unix.SockaddrCAN{Ifindex: c.index})
}

func (c *canConn) setUpRaw(fd int, p canPlace) error {
	isFD := c.local.Endpoint.Network == "canfd"
	if len(p.filters) > 0 {
		if err := unix.SetsockoptCanRawFilter(fd, unix.SOL_CAN_RAW, unix.CAN_RAW_FILTER, p.filters); err != nil {
			return err
		}
	}
	options := []sockopt{
		{"CAN_RAW_ERR_FILTER", unix.SOL_CAN_RAW, unix.CAN_RAW_ERR_FILTER, int(p.errors)},
		{"CAN_RAW_JOIN_FILTERS", unix.SOL_CAN_RAW, unix.CAN_RAW_JOIN_FILTERS, onlyIf(p.all, 1)},
		{"CAN_RAW_FD_FRAMES", unix.SOL_CAN_RAW, unix.CAN_RAW_FD_FRAMES, onlyIf(isFD, 1)},
	}
	if err := setOptions(fd, options); err != nil {
		return err
	}
	c.sending = wholeFrame
	if isFD {
		c.sending, c.received = fdFrame, padFrame
	}
	return unix.Bind(fd, &unix.SockaddrCAN{Ifindex: c.index})
}

// wholeFrame refuses a datagram that is not the size of a frame.
func wholeFrame(p []byte) ([]byte, error) { return frame(p, "CAN", canFrameSize) }

// fdFrame returns the frame to send. Without the flag CANFD_FDF and with at most 8
// bytes it is a classic frame.
func fdFrame(p []byte) ([]byte, error) {
	p, err := frame(p, "CAN FD", canFDFrameSize)
	if err == nil && p[5]&canFDF == 0 && p[4] <= 8 {
		p = p[:canFrameSize]
	}
	return p, err
}

func frame(p []byte, kind string, size int) ([]byte, error) {
	if len(p) != size {
		return nil, &Error{Why: Local, Err: fmt.Errorf("%s are no %s frame, which has %d", ByteCount(int64(len(p))), kind, size)}
	}
	if length, most := int(p[4]), size-8; length > most {
		return nil, &Error{Why: Local, Err: fmt.Errorf("a %s frame has at most %d bytes of data, not %d", kind, most, length)}
	}
	return p, nil
}

// padFrame pads a classic frame to the size of an FD frame. FD frames get the flag
// CANFD_FDF, classic ones have it cleared.
func padFrame(s *arrival) {
	switch len(s.data) {
	case canFrameSize:
		s.data = s.data[:canFDFrameSize]
		clear(s.data[canFrameSize:])
		s.data[5] &^= canFDF
	case canFDFrameSize:
		s.data[5] |= canFDF
	}
}

// CAN_ISOTP_OPTS and its flag CAN_ISOTP_WAIT_TX_DONE (isotp.h): with the flag a write
// returns once the peer has received the PDU.
const (
	isotpOptions = 1
	isotpWait    = 0x400
)

// setUpISOTP binds the two ids. The server receives on REQ and sends on RSP.
func (c *canConn) setUpISOTP(fd int, p canPlace, listen bool) error {
	tx, rx := p.req, p.rsp
	if listen {
		tx, rx = rx, tx
	}
	var options [12]byte // struct can_isotp_options
	binary.NativeEndian.PutUint32(options[:], isotpWait)
	if err := unix.SetsockoptString(fd, unix.SOL_CAN_BASE+unix.CAN_ISOTP, isotpOptions, string(options[:])); err != nil {
		return fmt.Errorf("set CAN_ISOTP_OPTS: %w", err)
	}
	return unix.Bind(fd, &unix.SockaddrCAN{Ifindex: c.index, RxID: rx, TxID: tx})
}

// setUpJ1939 binds our own address. It connects to the peer unless messages go to all
// addresses.
func (c *canConn) setUpJ1939(fd int, p canPlace, from string, listen bool) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1); err != nil {
		return fmt.Errorf("set SO_BROADCAST: %w", err)
	}
	own, _ := parseJ1939(from) // CheckJ1939 has accepted it
	peer := p.j1939
	if listen {
		own, peer = peer, own
		peer.PGN = own.PGN
	} else if from != "" {
		c.local.Port = from
	}
	own.Ifindex, peer.Ifindex = c.index, c.index
	if err := unix.Bind(fd, &own); err != nil {
		return err
	}
	if own.Addr == j1939NoAddress && own.Name == 0 {
		c.sending = func([]byte) ([]byte, error) {
			return nil, &Error{Why: BadAddress, Err: errors.New("J1939 sends from an address of our own, and there is none")}
		}
	}
	if peer.Addr == j1939NoAddress && peer.Name == 0 {
		c.broadcast = rawJ1939(peer)
		return nil
	}
	return unix.Connect(fd, &peer)
}

// rawJ1939 returns a as a struct sockaddr_can.
func rawJ1939(a unix.SockaddrCANJ1939) []byte {
	sockaddr := make([]byte, unix.SizeofSockaddrCAN)
	binary.NativeEndian.PutUint16(sockaddr, unix.AF_CAN)
	binary.NativeEndian.PutUint32(sockaddr[4:], uint32(a.Ifindex))
	binary.NativeEndian.PutUint64(sockaddr[8:], a.Name)
	binary.NativeEndian.PutUint32(sockaddr[16:], a.PGN)
	sockaddr[20] = a.Addr
	return sockaddr
}

// sender is the address of a datagram's sender: in J1939 the struct sockaddr_can, else
// the connected peer.
func (c *canConn) sender(sockaddr []byte) net.Addr {
	if c.local.Endpoint.Network != "j1939" || len(sockaddr) <= 20 {
		return c.remote
	}
	e := Endpoint{Network: "j1939", Host: c.local.Host}
	e.Port = fmt.Sprintf("%02x,%05x", sockaddr[20], binary.NativeEndian.Uint32(sockaddr[16:]))
	if name := binary.NativeEndian.Uint64(sockaddr[8:]); name != 0 {
		e.Port += fmt.Sprintf(",%016x", name)
	}
	return canAddr{e}
}

// errorOf is what a system call on c has returned. EMSGSIZE of ISO-TP is an answer of the
// peer, which the next call returns, even one that receives.
func (c *canConn) errorOf(errno syscall.Errno) error {
	if c != nil && c.closing != nil && errno == unix.EMSGSIZE {
		return &Error{Why: NotDelivered, Err: errors.New("the peer has no room for a PDU of that length")}
	}
	return errno
}

var errUnfinished error = &Error{Why: NotDelivered, Err: errors.New("the peer had not received all of it when the socket was closed")}
