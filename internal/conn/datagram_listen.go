package conn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// DatagramListener is the listener's side of a conversation in datagrams as a Stream.
// Its peer is the first that sends a datagram or, with Keep, the one that sent last. A
// Write waits until there is a peer. It answers from the address that the peer wrote to,
// where the system gives it.
type DatagramListener struct {
	// Keep takes datagrams from every peer.
	Keep bool
	// Read returns io.EOF after Want datagrams; 0 is no limit.
	Want int
	// Batch lets a Read return as many of the received datagrams as fit.
	Batch bool
	// Cut, if set, divides the bytes of a Write into datagrams.
	Cut Cut
	// Limit bounds the wait for the first datagram; 0 is no limit.
	Limit time.Duration
	// Heard, if set, is called with the sender of a datagram, unless it sent the last.
	Heard func(net.Addr)
	// Lost, if set, is called with the error of an answer that could not be
	// sent. Keep goes on after it; without Keep it is Write's error as well.
	Lost func(error)

	progress *Progress // nil, or touched by every datagram

	conn  net.Conn
	in    *inbox
	out   *outbox
	local net.Addr
	got   int // datagrams

	known    chan struct{} // closed when there is a peer
	fixed    bool          // the socket has one peer
	mu       sync.Mutex
	peer     packetPeer
	heard    bool      // the peer has sent a datagram
	drainEnd time.Time // when the drain is over; zero is none

	part atomic.Int64 // bytes of the current write that are sent
}

// A packetPeer is the sender of a datagram.
type packetPeer struct {
	addr     net.Addr // nil if the peer has no address
	sockaddr []byte   // addr as a struct sockaddr
	came     []byte   // the datagram's control messages (recvmsg(2))
	control  []byte   // the answer's, which choose its source address
}

// name is the peer's address in words; empty is none.
func (p *packetPeer) name() string {
	if p.addr == nil {
		return ""
	}
	return p.addr.String()
}

// ListenDatagrams binds a socket to e. Closing it removes the socket file that it made.
// A CAN socket can send before it has received: to its one peer, or to all.
func (lc ListenConfig) ListenDatagrams(ctx context.Context, e Endpoint) (*DatagramListener, error) {
	p, err := lc.ListenPacket(ctx, e)
	if err != nil {
		return nil, err
	}
	l := &DatagramListener{conn: p.(net.Conn), local: p.LocalAddr(), known: make(chan struct{})}
	l.in, l.out = boxesOf(p)
	if group, err := netip.ParseAddr(e.Host); err == nil && group.IsMulticast() {
		l.local = net.UDPAddrFromAddrPort(netip.AddrPortFrom(group, l.local.(*net.UDPAddr).AddrPort().Port()))
	}
	if c, ok := p.(*canPackets); ok {
		l.fixed, l.peer = e.Network != "j1939", packetPeer{addr: c.RemoteAddr(), sockaddr: c.broadcast}
		close(l.known)
	}
	return l, nil
}

// boxesOf returns what receives from p, of [ListenConfig.ListenPacket], and sends on it.
func boxesOf(p net.PacketConn) (*inbox, *outbox) {
	switch c := p.(type) {
	case *canPackets:
		return c.in, c.out
	case *net.UDPConn:
		return newInbox(c, udpSlot, AskDestination(c)), newOutbox(c)
	}
	c := p.(*unixPacketConn)
	return newInbox(c, bigMessage, 0), newOutbox(c)
}

// Addr returns the address that the socket is bound to.
func (l *DatagramListener) Addr() net.Addr { return l.local }

// Watch makes l touch the conversation's progress.
func (l *DatagramListener) Watch(progress *Progress) { l.progress = progress }

// Peer returns the address of the peer that an answer goes to; nil is none yet.
func (l *DatagramListener) Peer() net.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peer.addr
}

// Close closes the socket.
func (l *DatagramListener) Close() error { return l.conn.Close() }

// Dropped is how many datagrams the kernel has dropped because the socket's
// receive buffer was full.
func (l *DatagramListener) Dropped() int64 { return Dropped(l.conn) }

// Read returns one datagram, which may be empty, or several with Batch.
func (l *DatagramListener) Read(p []byte) (int, error) {
	for {
		l.limit()
		most := 0
		if l.Want > 0 {
			if most = l.Want - l.got; most <= 0 {
				return 0, io.EOF
			}
		}
		n, count, err := l.in.read(p, l.Batch, most, l.take)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if err := l.silent(); err != nil {
				return 0, err
			}
			continue
		case errors.Is(err, syscall.ECONNREFUSED):
			continue // an answer was refused; other peers may still send
		case err != nil:
			return 0, err
		}
		l.got += count
		l.progress.Touch()
		return n, nil
	}
}

// silent handles a read whose deadline passed. It returns nil if Read is to try again.
func (l *DatagramListener) silent() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.drainEnd.IsZero():
		return drained(l.conn, l.drainEnd)
	case NewSocket(l.conn, nil).ready():
		return nil // a datagram came in time; the process was stopped
	}
	return &Error{Why: Timeout, Err: fmt.Errorf("no datagram came within %v (connect limit)", l.Limit)}
}

// drain makes Read return what the kernel has, for up to drainStuck, and then io.EOF.
func (l *DatagramListener) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drainEnd = time.Now().Add(drainStuck)
	_ = l.conn.SetReadDeadline(time.Unix(1, 0))
}

// limit starts the wait for the first datagram, or ends it.
func (l *DatagramListener) limit() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Limit == 0 || !l.drainEnd.IsZero() {
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

// take reports whether a datagram belongs to the conversation. If so, answers go to
// its sender.
func (l *DatagramListener) take(s *arrival) bool {
	if l.fixed {
		return true
	}
	l.mu.Lock()
	first, again := !l.heard, bytes.Equal(l.peer.sockaddr, s.from)
	if !first && (again && bytes.Equal(l.peer.came, s.control) || !again && !l.Keep) {
		l.mu.Unlock()
		return again
	}
	from := packetPeer{addr: l.in.addr(s), sockaddr: bytes.Clone(s.from), came: bytes.Clone(s.control)}
	answer, _ := AnswerFrom(s.control)
	from.control = bytes.Clone(answer)
	l.peer, l.heard = from, true
	select {
	case <-l.known:
	default:
		close(l.known)
	}
	l.mu.Unlock()
	if l.Heard != nil && (first || !again) {
		l.Heard(from.addr)
	}
	return true
}

// Write sends one datagram, or those that Cut finds in p, to the peer, once there
// is one, and returns how many bytes were sent.
func (l *DatagramListener) Write(p []byte) (sent int, err error) {
	<-l.known
	l.mu.Lock()
	to := l.peer
	l.mu.Unlock()
	defer l.part.Store(0)
	for done := 0; ; {
		n, err := 0, error(nil)
		if to.addr == nil {
			err = &Error{Why: NotDelivered, Err: errors.New("the peer has no address to answer")}
		} else if n, err = l.out.send(p[done:], l.Cut, &to); errors.Is(err, syscall.EMSGSIZE) {
			err = tooLong(l.Cut.first(p[done+n:]), l.local)
		}
		sent, done = sent+n, done+n
		l.part.Store(int64(sent))
		switch {
		case err == nil:
			l.progress.Touch()
		case KindOf(err) == Local:
			return sent, err
		case !l.Keep:
			return sent, &sendError{err, to.name()}
		default:
			if l.Lost != nil {
				l.Lost(&Error{Why: NotDelivered, Op: strings.TrimSuffix("send to "+to.name(), " to "), Err: err})
			}
			done += l.Cut.first(p[done:])
		}
		if done == len(p) {
			return sent, nil
		}
	}
}

// CloseWrite does nothing: there is no end of file to pass on.
func (l *DatagramListener) CloseWrite() error { return nil }
