package conn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"
)

// DatagramListener is the listener's side of a conversation in datagrams as a Stream.
// Its peer is the first that sends a datagram or, with Keep, the one that sent last. A
// Write waits until there is a peer. It answers from the address that the peer wrote to,
// where the system gives it.
type DatagramListener struct {
	gramStream
	// Keep takes datagrams from every peer.
	Keep bool
	// Limit bounds the wait for the first datagram; 0 is no limit.
	Limit time.Duration
	// Heard, if set, is called with the sender of a datagram, unless it sent the last.
	Heard func(net.Addr)
	// With Keep, an answer that could not be sent is no error of Write, and a datagram that
	// was too long none of Read: Lost, if set, is called with the error.
	Lost func(error)

	local net.Addr
	known chan struct{} // closed when there is a peer
	fixed bool          // the socket has one peer
	peer  Sender
	came  []byte // the control messages of the last datagram (recvmsg(2))
	heard bool   // the peer has sent a datagram
}

// ListenDatagrams binds a socket to e. Closing it removes the socket file that it made.
// A CAN socket can send before it has received: to its one peer, or to all.
func (lc ListenConfig) ListenDatagrams(ctx context.Context, e Endpoint) (*DatagramListener, error) {
	p, err := lc.ListenPacket(ctx, e)
	if err != nil {
		return nil, err
	}
	l := &DatagramListener{local: p.LocalAddr(), known: make(chan struct{})}
	l.conn = newGramConn(p, true)
	if group, err := netip.ParseAddr(e.Host); err == nil && group.IsMulticast() {
		l.local = net.UDPAddrFromAddrPort(netip.AddrPortFrom(group, l.local.(*net.UDPAddr).AddrPort().Port()))
	}
	if c, ok := p.(*canConn); ok {
		l.fixed, l.peer = e.Network != "j1939", Sender{addr: c.RemoteAddr()}
		close(l.known)
	}
	return l, nil
}

// Addr returns the address that the socket is bound to.
func (l *DatagramListener) Addr() net.Addr { return l.local }

// Peer returns the address of the peer that an answer goes to; nil is none yet.
func (l *DatagramListener) Peer() net.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peer.addr
}

// Read returns one datagram, which may be empty, or several with Batch.
func (l *DatagramListener) Read(p []byte) (int, error) {
	for {
		l.limit()
		n, err := l.receive(l.conn, p, l.take)
		switch {
		case err == errTruncated && l.Keep:
			if l.Lost != nil {
				l.Lost(err)
			}
		case errors.Is(err, syscall.ECONNREFUSED): // an answer was refused; other peers may still send
		case errors.Is(err, os.ErrDeadlineExceeded):
			if !ReadyToRead(rawConn(l.conn.Conn)) { // else the process was stopped, and a datagram came in time
				return 0, &Error{Why: Timeout, Err: fmt.Errorf("no datagram came within %v (connect limit)", l.Limit)}
			}
		default:
			return n, err
		}
	}
}

// limit starts the wait for the first datagram, or ends it.
func (l *DatagramListener) limit() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Limit == 0 || l.conn.in.draining() {
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
	if !first && (again && bytes.Equal(l.came, s.control) || !again && !l.Keep) {
		l.mu.Unlock()
		return again
	}
	var from Sender
	l.came, l.heard = bytes.Clone(s.control), true
	l.conn.in.sender(s, &from)
	l.peer = *from.Clone()
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
		n, err := l.send(l.conn, p[done:], &to)
		sent, done = sent+n, done+n
		switch {
		case err == nil:
			return sent, nil
		case KindOf(err) == Local:
			return sent, err
		case !l.Keep:
			return sent, &sendError{err, to.name()}
		case l.Lost != nil:
			l.Lost(&Error{Why: NotDelivered, Op: strings.TrimSuffix("send to "+to.name(), " to "), Err: err})
		}
		if done += l.Cut.first(p[done:]); done == len(p) {
			return sent, nil
		}
	}
}

// CloseWrite does nothing: there is no end of file to pass on.
func (l *DatagramListener) CloseWrite() error { return nil }
