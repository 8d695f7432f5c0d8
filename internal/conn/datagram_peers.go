package conn

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// DatagramPeers divides the datagrams of a socket by sender: each sender is a
// [DatagramPeer], a Stream of its own.
type DatagramPeers struct {
	// Keep takes datagrams from all peers; without it, only from the first.
	Keep bool
	// Most bounds the number of peers; 0 is 100. A new one replaces the peer that has
	// been silent for longest, which is closed.
	Most int

	socket  gramStream
	sending sync.Mutex

	mu    sync.Mutex
	first bool                     // there has been a peer
	peers map[string]*DatagramPeer // by struct sockaddr
}

// ListenPeers binds a socket to e.
func (lc ListenConfig) ListenPeers(ctx context.Context, e Endpoint) (*DatagramPeers, error) {
	c, err := lc.ListenPacket(ctx, e)
	if err != nil {
		return nil, err
	}
	d := &DatagramPeers{peers: make(map[string]*DatagramPeer)}
	d.socket.conn = newGramConn(c.(net.Conn), true)
	return d, nil
}

// Addr returns the address that the socket is bound to.
func (d *DatagramPeers) Addr() net.Addr { return d.socket.conn.LocalAddr() }

// Close closes the socket and all peers.
func (d *DatagramPeers) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.peers {
		p.end()
	}
	return d.socket.Close()
}

// Accept returns the next new peer. Meanwhile it passes datagrams on to the known
// peers, so it must be called in a loop.
func (d *DatagramPeers) Accept() (*DatagramPeer, error) {
	buf := make([]byte, udpSlot)
	for {
		var p *DatagramPeer
		var new bool
		n, _, err := d.socket.conn.in.read(buf, false, 1, func(s *arrival) bool {
			if len(s.data) <= len(buf) { // else it is from a Unix socket: dropped rather than cut
				p, new = d.peer(s)
			}
			return p != nil
		})
		switch {
		case errors.Is(err, syscall.ECONNREFUSED), err == errTruncated:
			continue // an answer was refused, or a message too long; other peers may still send
		case err != nil:
			return nil, err
		}
		p.touch()
		select {
		case p.queue <- append([]byte(nil), buf[:n]...):
		default: // lost, as in a full receive buffer
		}
		if new {
			return p, nil
		}
	}
}

// peer returns the sender of s, new if it is not known; nil if its datagrams are dropped.
func (d *DatagramPeers) peer(s *arrival) (p *DatagramPeer, new bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.peers[string(s.from)]; p != nil || d.first && !d.Keep {
		return p, false
	}
	if len(d.peers) >= cmp.Or(d.Most, 100) {
		d.forgetOne()
	}
	answer, toMany := AnswerFrom(s.control)
	p = &DatagramPeer{
		ToMany: toMany, all: d, queue: make(chan []byte, peerQueue), ended: make(chan struct{}),
		to: packetPeer{addr: d.socket.conn.in.addr(s), sockaddr: bytes.Clone(s.from), control: bytes.Clone(answer)},
	}
	d.peers[string(s.from)], d.first = p, true
	return p, true
}

// forgetOne closes the peer that has been silent for longest. The caller holds d.mu.
func (d *DatagramPeers) forgetOne() {
	var oldest *DatagramPeer
	for _, p := range d.peers {
		if oldest == nil || p.last.Load() < oldest.last.Load() {
			oldest = p
		}
	}
	delete(d.peers, string(oldest.to.sockaddr))
	oldest.end()
}

// peerQueue is how many datagrams of a peer can wait for a Read.
const peerQueue = 16

// A DatagramPeer is one sender of datagrams as a Stream: one Read returns one datagram,
// one Write sends one. Read returns io.EOF once it is closed.
type DatagramPeer struct {
	// ToMany is whether its first datagram was sent to a broadcast or multicast
	// address, where that can be known (Linux).
	ToMany bool

	all   *DatagramPeers
	to    packetPeer
	queue chan []byte
	last  atomic.Int64 // when there was a datagram, in nanoseconds since started
	once  sync.Once
	ended chan struct{}
}

// Addr is the peer's address; nil if it has none.
func (p *DatagramPeer) Addr() net.Addr { return p.to.addr }

func (p *DatagramPeer) touch() { p.last.Store(int64(time.Since(started))) }

// started is a time of the monotonic clock, for the order of events.
var started = time.Now()

func (p *DatagramPeer) end() { p.once.Do(func() { close(p.ended) }) }

// Read returns the next datagram.
func (p *DatagramPeer) Read(b []byte) (int, error) {
	select {
	case message := <-p.queue:
		return copy(b, message), nil
	case <-p.ended:
		return 0, io.EOF
	}
}

// Write sends one datagram to the peer.
func (p *DatagramPeer) Write(b []byte) (int, error) {
	p.touch()
	p.all.sending.Lock()
	defer p.all.sending.Unlock()
	return p.all.socket.send(p.all.socket.conn, b, &p.to)
}

// CloseWrite does nothing: there is no end of file to pass on.
func (p *DatagramPeer) CloseWrite() error { return nil }

// Close forgets the peer: its next datagram makes it a new one.
func (p *DatagramPeer) Close() error {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	if name := string(p.to.sockaddr); p.all.peers[name] == p {
		delete(p.all.peers, name)
	}
	p.end()
	return nil
}
