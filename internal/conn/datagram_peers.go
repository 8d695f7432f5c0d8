package conn

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"math"
	"net"
	"sync"
	"syscall"
	"time"
)

// DatagramPeers divides the datagrams of a socket by sender and, where the system gives
// it, by the address that they were sent to, from which the answers leave: each pair is a
// [DatagramPeer], a Stream of its own.
type DatagramPeers struct {
	// Keep takes datagrams from all peers; without it, only from the first.
	Keep bool
	// Most bounds the number of peers; 0 is 100. A new one replaces the peer that has
	// been silent for longest among those that have had an answer since their last
	// datagram, or among all if none has: then the Read of that peer returns an error.
	Most int
	// Refuses, if set, is called with the sender of each datagram, and returns true if the
	// datagram is to be dropped.
	Refuses func(*Sender) bool

	socket *DatagramSocket

	mu    sync.Mutex
	first bool                     // there has been a peer
	peers map[string]*DatagramPeer // by route
}

// NewDatagramPeers divides the datagrams of c, which [ListenConfig.ListenPacket] bound or
// a service manager handed over.
func NewDatagramPeers(c net.Conn) *DatagramPeers {
	return &DatagramPeers{socket: NewDatagramSocket(c), peers: make(map[string]*DatagramPeer)}
}

// Addr returns the address that the socket is bound to.
func (d *DatagramPeers) Addr() net.Addr { return d.socket.LocalAddr() }

// Close closes the socket and all peers.
func (d *DatagramPeers) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.peers {
		p.end()
	}
	return d.socket.Close()
}

// Dropped is how many datagrams the kernel has dropped because the socket's receive
// buffer was full.
func (d *DatagramPeers) Dropped() int64 { return Dropped(d.socket.Conn) }

// Drain makes Accept pass on what the kernel has, for up to 100 ms, and then return
// io.EOF.
func (d *DatagramPeers) Drain() { d.socket.in.drain() }

// Accept returns the next new peer. Meanwhile it passes datagrams on to the known
// peers, so it must be called in a loop.
func (d *DatagramPeers) Accept() (*DatagramPeer, error) {
	for {
		data, from, err := d.socket.Receive(math.MaxInt)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED): // an answer was refused; other peers may still send
		case from == nil:
			return nil, err
		default:
			if p := d.take(data, from, err != nil); p != nil {
				return p, nil
			}
		}
	}
}

// take passes a datagram on to its sender, and returns that if it is new. One from a Unix
// socket that is too long is dropped rather than cut.
func (d *DatagramPeers) take(data []byte, from *Sender, tooLong bool) (added *DatagramPeer) {
	if d.Refuses != nil && d.Refuses(from) {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.peers[from.route()]
	if p == nil && d.first && !d.Keep {
		return nil
	}
	if p == nil {
		p = d.add(from)
		added = p
	}
	p.last, p.asks = time.Now(), true
	cost := len(data) + datagramCost
	if tooLong || p.waiting > 0 && p.waiting+cost > peerQueue {
		p.dropped++
		return added
	}
	p.queue = append(p.queue, bytes.Clone(data))
	p.waiting += cost
	p.came.Signal()
	return added
}

// add adds a peer. The caller holds d.mu.
func (d *DatagramPeers) add(from *Sender) *DatagramPeer {
	if len(d.peers) >= cmp.Or(d.Most, 100) {
		d.forgetOne()
	}
	p := &DatagramPeer{Sender: from.Clone(), all: d, came: sync.NewCond(&d.mu)}
	d.peers[from.route()], d.first = p, true
	return p
}

// forgetOne closes the peer that a new one replaces. The caller holds d.mu.
func (d *DatagramPeers) forgetOne() {
	var oldest *DatagramPeer
	for _, p := range d.peers {
		if oldest == nil || oldest.asks && !p.asks || oldest.asks == p.asks && p.last.Before(oldest.last) {
			oldest = p
		}
	}
	oldest.replaced = oldest.asks
	oldest.end()
}

// The datagrams of a peer that wait for a Read take at most peerQueue bytes, about as many
// as in a receive buffer of the system's size; each counts as its length and datagramCost.
const (
	peerQueue    = 256 << 10
	datagramCost = 64
)

// A DatagramPeer is one sender of datagrams as a Stream: one Read returns one datagram,
// one Write sends one. Once it is closed, Read returns those that wait, and io.EOF.
type DatagramPeer struct {
	*Sender // of its first datagram
	all     *DatagramPeers

	// Of all.mu:
	queue    [][]byte   // the datagrams that wait for a Read
	waiting  int        // the bytes that they take
	came     *sync.Cond // there is one more, or the peer is forgotten
	dropped  int64      // datagrams for which there was no room
	last     time.Time  // when there was a datagram
	asks     bool       // the last datagram came from the peer
	replaced bool       // while it asked, a new peer has taken its place
}

// Dropped is how many of the peer's datagrams were dropped: they came faster than they
// were read, or were too long.
func (p *DatagramPeer) Dropped() int64 {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	return p.dropped
}

// Silence is how long there has been no datagram in either direction.
func (p *DatagramPeer) Silence() time.Duration {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	return time.Since(p.last)
}

// known reports whether the peer has not been forgotten. The caller holds p.all.mu.
func (p *DatagramPeer) known() bool { return p.all.peers[p.route()] == p }

// end forgets the peer. The caller holds p.all.mu.
func (p *DatagramPeer) end() {
	if p.known() {
		delete(p.all.peers, p.route())
		p.came.Broadcast()
	}
}

// Read returns the next datagram.
func (p *DatagramPeer) Read(b []byte) (int, error) {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	for len(p.queue) == 0 {
		switch {
		case p.replaced:
			return 0, &Error{Why: Local, Op: "wait for an answer to " + p.name(), Err: errors.New("a new peer took the place")}
		case !p.known():
			return 0, io.EOF
		}
		p.came.Wait()
	}
	message := p.queue[0]
	p.queue[0], p.queue = nil, p.queue[1:]
	p.waiting -= len(message) + datagramCost
	return copy(b, message), nil
}

func (p *DatagramPeer) longest() int { return p.all.socket.size }

func (p *DatagramPeer) drain() { _ = p.Close() }

// Write sends one datagram to the peer. While a Unix peer's queue is full it tries again,
// so that the others get theirs meanwhile, until the peer is closed.
func (p *DatagramPeer) Write(b []byte) (int, error) {
	p.all.mu.Lock()
	p.last, p.asks = time.Now(), false
	p.all.mu.Unlock()
	for pause := queueFirst; ; pause = min(pause*3/2, queueMost) {
		err := p.all.socket.Send(b, p.Sender)
		if err == nil {
			return len(b), nil
		}
		p.all.mu.Lock()
		known := p.known()
		p.all.mu.Unlock()
		if !errors.Is(err, syscall.EAGAIN) || !known {
			return 0, err
		}
		time.Sleep(pause)
	}
}

// CloseWrite does nothing: there is no end of file to pass on.
func (p *DatagramPeer) CloseWrite() error { return nil }

// Close forgets the peer: its next datagram makes it a new one.
func (p *DatagramPeer) Close() error {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	p.end()
	return nil
}
