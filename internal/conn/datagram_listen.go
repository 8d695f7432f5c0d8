package conn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// DatagramListener is the listener's side of a conversation in datagrams as a
// Stream. It takes the first peer that sends anything as its own, or, with Keep,
// answers whoever spoke last. A Write waits until there is a peer. CloseWrite
// does nothing: there is no end of file to pass on.
//
// It answers from the address that the peer wrote to, where the system tells.
type DatagramListener struct {
	// Keep takes datagrams from everybody.
	Keep bool
	// Limit bounds the wait for the first datagram; 0 is no limit.
	Limit time.Duration
	// Heard, if set, is called when a peer speaks that did not speak last.
	Heard func(net.Addr)
	// Lost, if set, is called with the error of an answer that could not be
	// sent. Keep goes on after it; without Keep it is Write's error as well.
	Lost func(error)
	// Progress, if set, is touched by every datagram.
	Progress *Progress

	conn  packetSocket
	local net.Addr

	known chan struct{} // closed when there is a peer
	mu    sync.Mutex
	peer  packetPeer
}

// A packetSocket is a bound socket whose peers' addresses are theirs and ours.
type packetSocket interface {
	// receive returns one datagram or as much of it as fits in p.
	receive(p []byte) (n int, from packetPeer, err error)
	// unread reports whether there is more of that datagram.
	unread() bool
	send(p []byte, to packetPeer) error
	ready() bool
	SetReadDeadline(time.Time) error
	Close() error
}

// A packetPeer is whom a datagram came from.
type packetPeer struct {
	addr    net.Addr // nil if the peer has no address
	name    string   // what addr is compared by
	control []byte   // makes the answer leave from where the datagram went
}

// ListenDatagrams binds a socket to e. Closing it removes the socket file that
// it made.
func (lc ListenConfig) ListenDatagrams(ctx context.Context, e Endpoint) (*DatagramListener, error) {
	p, err := lc.ListenPacket(ctx, e)
	if err != nil {
		return nil, err
	}
	l := &DatagramListener{local: p.LocalAddr(), known: make(chan struct{})}
	switch c := p.(type) {
	case *net.UDPConn:
		l.conn = newUDPSocket(c)
		if group, err := netip.ParseAddr(e.Host); err == nil && group.IsMulticast() {
			l.local = net.UDPAddrFromAddrPort(netip.AddrPortFrom(group, c.LocalAddr().(*net.UDPAddr).AddrPort().Port()))
		}
	case *unixPacketConn:
		l.conn = &unixgramSocket{unixPacketConn: c}
	default:
		_ = p.Close()
		return nil, listenError(e, syscall.EAFNOSUPPORT)
	}
	return l, nil
}

// Addr returns the address that the socket is bound to.
func (l *DatagramListener) Addr() net.Addr { return l.local }

// Watch hands l the clock of its conversation.
func (l *DatagramListener) Watch(progress *Progress) { l.Progress = progress }

// Peer returns the address of the peer that an answer goes to; nil is none yet.
func (l *DatagramListener) Peer() net.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peer.addr
}

// Close closes the socket.
func (l *DatagramListener) Close() error { return l.conn.Close() }

// Read returns one datagram, which may be empty.
func (l *DatagramListener) Read(p []byte) (int, error) {
	for {
		l.limit()
		n, from, err := l.conn.receive(p)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if l.conn.ready() {
				continue // it came in time, and the process did not run
			}
			return 0, &Error{Why: Timeout, Err: fmt.Errorf("nobody sent anything within %v (connect limit)", l.Limit)}
		case errors.Is(err, syscall.ECONNREFUSED):
			continue // an answer was refused; whoever else speaks is heard
		case err != nil:
			return 0, err
		}
		if l.take(from) {
			l.Progress.Touch()
			return n, nil
		}
	}
}

// Unread reports whether the last Read returned a part of a datagram whose rest
// comes with the next one.
func (l *DatagramListener) Unread() bool { return l.conn.unread() }

// limit starts the wait for the first datagram, or ends it.
func (l *DatagramListener) limit() {
	if l.Limit == 0 {
		return
	}
	select {
	case <-l.known:
		_ = l.conn.SetReadDeadline(time.Time{})
		l.Limit = 0
	default:
		_ = l.conn.SetReadDeadline(time.Now().Add(l.Limit))
	}
}

// take reports whether a datagram from that peer is ours, and makes it the one
// that is answered.
func (l *DatagramListener) take(from packetPeer) bool {
	l.mu.Lock()
	first, again := false, l.peer.name == from.name
	select {
	case <-l.known:
		if !l.Keep && !again {
			l.mu.Unlock()
			return false
		}
	default:
		first = true
	}
	l.peer = from
	if first {
		close(l.known)
	}
	l.mu.Unlock()
	if l.Heard != nil && (first || !again) {
		l.Heard(from.addr)
	}
	return true
}

// Write sends one datagram to the peer, once there is one.
func (l *DatagramListener) Write(p []byte) (int, error) {
	<-l.known
	l.mu.Lock()
	to := l.peer
	l.mu.Unlock()
	var err error
	if to.addr == nil {
		err = &Error{Why: NotDelivered, Err: errors.New("the peer has no address to answer")}
	} else if err = l.conn.send(p, to); errors.Is(err, syscall.EMSGSIZE) {
		err = tooLong(len(p), l.local)
	}
	if err == nil {
		l.Progress.Touch()
		return len(p), nil
	}
	if l.Keep && !isLocal(err) {
		if l.Lost != nil {
			l.Lost(lostError(to, err))
		}
		return 0, nil
	}
	if !isLocal(err) {
		err = &sendError{err, to.name}
	}
	return 0, err
}

// lostError is the error of an answer that could not be sent.
func lostError(to packetPeer, err error) error {
	op := "send"
	if to.name != "" {
		op += " to " + to.name
	}
	return &Error{Why: NotDelivered, Op: op, Err: err}
}

// CloseWrite does nothing.
func (l *DatagramListener) CloseWrite() error { return nil }

// A unixgramSocket answers peers by their paths.
type unixgramSocket struct {
	*unixPacketConn
	big  *bigReader
	from packetPeer // whom the bytes that are left come from
}

func (s *unixgramSocket) receive(p []byte) (int, packetPeer, error) {
	if s.big == nil {
		s.big = &bigReader{receive: func(p []byte) (n, flags int, err error) {
			n, _, flags, from, err := s.ReadMsgUnix(p, nil)
			s.from = packetPeer{}
			if from != nil && from.Name != "" {
				s.from = packetPeer{addr: from, name: from.Name}
			}
			return n, flags, err
		}}
	}
	n, err := s.big.read(p)
	return n, s.from, err
}

func (s *unixgramSocket) unread() bool { return s.big.unread() }

func (s *unixgramSocket) ready() bool { return NewSocket(s.UnixConn, nil).ready() }

func (s *unixgramSocket) send(p []byte, to packetPeer) error {
	_, err := s.WriteTo(p, to.addr)
	return err
}

// A udpSocket answers from the address that was written to.
type udpSocket struct {
	*net.UDPConn
	control []byte // room for what the kernel says of a datagram
}

func newUDPSocket(c *net.UDPConn) *udpSocket {
	return &udpSocket{UDPConn: c, control: make([]byte, askDestination(c))}
}

func (s *udpSocket) receive(p []byte) (int, packetPeer, error) {
	n, m, _, from, err := s.ReadMsgUDPAddrPort(p, s.control)
	if err != nil {
		return 0, packetPeer{}, err
	}
	addr := net.UDPAddrFromAddrPort(from)
	return n, packetPeer{addr: addr, name: addr.String(), control: answerFrom(s.control[:m])}, nil
}

func (s *udpSocket) unread() bool { return false }

func (s *udpSocket) ready() bool { return NewSocket(s.UDPConn, nil).ready() }

func (s *udpSocket) send(p []byte, to packetPeer) error {
	_, _, err := s.WriteMsgUDP(p, to.control, to.addr.(*net.UDPAddr))
	return err
}
