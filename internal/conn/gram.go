package conn

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"sync"
	"syscall"
	"time"
)

// MaxDatagram is how many bytes a datagram of UDP over IPv4 can carry: 65535
// less the headers of IP (20) and UDP (8).
const MaxDatagram = 65507

// DatagramOptions say how a Stream of datagrams divides and joins bytes. With the zero
// value one Read returns one datagram, which may be empty, and one Write sends one.
type DatagramOptions struct {
	// Want is the number of datagrams after which Read returns io.EOF; 0 is no limit.
	Want int
	// Batch lets a Read return as many of the received datagrams as fit.
	Batch bool
	// Cut, if set, divides the bytes of a Write into datagrams.
	Cut Cut
}

// A Cut returns the length of the first datagram in p, which holds datagrams one after
// the other and is not empty. A nil Cut takes all of p for one datagram.
type Cut func(p []byte) int

// first returns the length of the first datagram in p; with a nil c that is all of p.
func (c Cut) first(p []byte) int {
	if c == nil || len(p) == 0 {
		return len(p)
	}
	return c(p)
}

// A gramStream is what the streams of datagrams have in common.
type gramStream struct {
	DatagramOptions
	meter

	mu   sync.Mutex
	conn *gramConn
	got  int // datagrams
}

// A gramConn is a socket with what receives from it and sends on it.
type gramConn struct {
	net.Conn
	in   *inbox
	out  *outbox
	size int // of the longest datagram that is received
}

// newGramConn asks for the destination of each datagram if the socket is a listener's.
func newGramConn(c net.Conn, listens bool) *gramConn {
	size, control := bigMessage, 0
	if c.LocalAddr().Network() == "udp" {
		size = udpSlot
	}
	if u, ok := c.(*net.UDPConn); ok && listens {
		control = askDestination(u)
	}
	g := &gramConn{c, newInbox(c, size, control), newOutbox(c), size}
	g.out.noWait = listens && EndpointOf(c.LocalAddr()).Unix()
	return g
}

// Conn returns the socket that is in use.
func (g *gramStream) Conn() net.Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.conn.Conn
}

// Dropped is how many datagrams the kernel has dropped because the socket's
// receive buffer was full.
func (g *gramStream) Dropped() int64 { return Dropped(g.Conn()) }

func (g *gramStream) longest() int { return g.conn.size }

// Close closes the socket.
func (g *gramStream) Close() error { return g.Conn().Close() }

// receive returns one datagram from c, or several with Batch, of those that take, if
// set, returns true for.
func (g *gramStream) receive(c *gramConn, p []byte, take func(*arrival) bool) (int, error) {
	most := math.MaxInt
	if g.Want > 0 {
		if most = g.Want - g.got; most <= 0 {
			return 0, io.EOF
		}
	}
	n, count, err := c.in.read(p, g.Batch, most, take)
	if err != nil {
		return 0, err
	}
	g.progress.Touch()
	g.mu.Lock()
	g.got += count
	g.mu.Unlock()
	return n, nil
}

// drain makes Read return what the kernel has, for up to drainStuck, and then io.EOF.
func (g *gramStream) drain() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conn.in.drain()
}

// send sends the datagrams in p on c to a peer; nil is the connected one. It returns how
// many bytes were sent: with an error, those before the datagram that failed. While the
// queue of a listener's Unix peer is full it tries again: the kernel does not report when
// there is room.
func (g *gramStream) send(c *gramConn, p []byte, to *Sender) (n int, err error) {
	for pause := queueFirst; ; {
		m, err := c.send(p[n:], g.Cut, to)
		n += m
		g.part.Add(int64(m))
		if m > 0 || err == nil {
			g.progress.Touch()
			pause = queueFirst
		}
		switch {
		case errors.Is(err, syscall.EAGAIN):
			time.Sleep(pause)
			pause = min(pause*3/2, queueMost)
		case err != nil, n == len(p):
			return n, err
		}
	}
}

// send sends the first datagrams in p; at least one, unless it fails.
func (c *gramConn) send(p []byte, cut Cut, to *Sender) (n int, err error) {
	if to != nil && to.addr == nil {
		if c.RemoteAddr() == nil {
			return 0, &Error{Why: NotDelivered, Err: errors.New("the peer has no address to answer")}
		}
		to = nil // of socketpair(2): the other socket
	}
	if n, err = c.out.send(p, cut, to); n == 0 && errors.Is(err, syscall.EMSGSIZE) {
		n, err = c.out.send(p, cut, to) // it may have been the pending error of an earlier datagram; see Datagrams.Read
	}
	switch {
	case !errors.Is(err, syscall.EMSGSIZE):
		return n, err
	case n > 0:
		return n, nil // the next call finds out which
	}
	return 0, tooLong(cut.first(p), c.LocalAddr())
}

// tooLong says that a datagram of n bytes cannot be sent from local.
func tooLong(n int, local net.Addr) error {
	most := ""
	if local.Network() == "udp" {
		most = fmt.Sprintf(" (at most %d)", MaxDatagram)
	}
	return &Error{Why: Local, Op: fmt.Sprintf("send a datagram of %d bytes%s", n, most), Err: syscall.EMSGSIZE}
}

// A sendError is the error of a datagram that could not be sent.
type sendError struct {
	error
	to string // the destination; empty is the peer of the conversation
}

func (e *sendError) Unwrap() error { return e.error }
