package conn

import (
	"bytes"
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
	// Most bounds the number of peers. A new one replaces the peer that has been
	// silent for longest, which is closed. 0 is 100.
	Most int

	conn        net.PacketConn
	controlSize int // for a datagram's control messages
	mu          sync.Mutex
	first       bool // there has been a peer
	peers       map[string]*DatagramPeer
}

// ListenPeers binds a socket to e.
func (lc ListenConfig) ListenPeers(ctx context.Context, e Endpoint) (*DatagramPeers, error) {
	c, err := lc.ListenPacket(ctx, e)
	if err != nil {
		return nil, err
	}
	d := &DatagramPeers{conn: c, peers: make(map[string]*DatagramPeer)}
	if u, ok := c.(*net.UDPConn); ok {
		d.controlSize = AskDestination(u)
	}
	return d, nil
}

// Addr returns the address that the socket is bound to.
func (d *DatagramPeers) Addr() net.Addr { return d.conn.LocalAddr() }

// Close closes the socket and all peers.
func (d *DatagramPeers) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.peers {
		p.end()
	}
	return d.conn.Close()
}

// Accept returns the next new peer. Meanwhile it passes datagrams on to the known
// peers, so it must be called in a loop.
func (d *DatagramPeers) Accept() (*DatagramPeer, error) {
	buf := make([]byte, 64<<10+1) // one byte more than the longest that is accepted
	control := make([]byte, d.controlSize)
	for {
		n, m, from, err := d.receive(buf, control)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			continue // an answer was refused; other peers may still send
		case err != nil:
			return nil, err
		case n == len(buf):
			continue // from a Unix socket, and too long: dropped rather than cut
		}
		p, new := d.peer(from, control[:m])
		if p == nil {
			continue
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

func (d *DatagramPeers) receive(p, control []byte) (n, m int, from net.Addr, err error) {
	u, ok := d.conn.(*net.UDPConn)
	if !ok {
		n, from, err = d.conn.ReadFrom(p)
		return n, 0, from, err
	}
	n, m, _, addr, err := u.ReadMsgUDPAddrPort(p, control)
	return n, m, net.UDPAddrFromAddrPort(addr), err
}

// peer returns the peer at that address, new if it is not known; nil if its datagrams
// are dropped.
func (d *DatagramPeers) peer(from net.Addr, control []byte) (p *DatagramPeer, new bool) {
	name := ""
	if from != nil {
		name = from.String()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.peers[name]; p != nil || d.first && !d.Keep {
		return p, false
	}
	most := d.Most
	if most == 0 {
		most = 100
	}
	if len(d.peers) >= most {
		d.forgetOne()
	}
	p = &DatagramPeer{all: d, addr: from, name: name, queue: make(chan []byte, peerQueue), ended: make(chan struct{})}
	if d.controlSize > 0 {
		answer, toMany := AnswerFrom(control)
		p.control, p.ToMany = bytes.Clone(answer), toMany
	}
	d.peers[name], d.first = p, true
	return p, true
}

// forgetOne closes the peer that has been silent for longest. The caller holds
// d.mu.
func (d *DatagramPeers) forgetOne() {
	var oldest *DatagramPeer
	for _, p := range d.peers {
		if oldest == nil || p.last.Load() < oldest.last.Load() {
			oldest = p
		}
	}
	delete(d.peers, oldest.name)
	oldest.end()
}

// peerQueue is how many datagrams of a peer can wait for a Read.
const peerQueue = 16

// A DatagramPeer is one sender of datagrams as a Stream: one Read returns one
// of its datagrams, one Write sends one. Read returns io.EOF once it is closed.
type DatagramPeer struct {
	// ToMany is whether its first datagram was sent to a broadcast or multicast
	// address, where that can be known (Linux).
	ToMany bool

	all     *DatagramPeers
	addr    net.Addr // nil if the peer has none
	name    string
	control []byte // the answer's control messages, which choose its source address
	queue   chan []byte
	last    atomic.Int64 // when there was a datagram, in nanoseconds since started
	once    sync.Once
	ended   chan struct{}
}

// Addr is the peer's address; nil if it has none.
func (p *DatagramPeer) Addr() net.Addr { return p.addr }

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
func (p *DatagramPeer) Write(b []byte) (n int, err error) {
	p.touch()
	switch c := p.all.conn.(type) {
	case *net.UDPConn:
		n, _, err = c.WriteMsgUDP(b, p.control, p.addr.(*net.UDPAddr))
	default:
		if p.addr == nil {
			return 0, &Error{Why: NotDelivered, Err: errors.New("the peer has no address to answer")}
		}
		n, err = c.WriteTo(b, p.addr)
	}
	if errors.Is(err, syscall.EMSGSIZE) {
		err = tooLong(len(b), p.all.Addr())
	}
	return n, err
}

// CloseWrite does nothing: there is no end of file to pass on.
func (p *DatagramPeer) CloseWrite() error { return nil }

// Close forgets the peer: its next datagram makes it a new one.
func (p *DatagramPeer) Close() error {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	if p.all.peers[p.name] == p {
		delete(p.all.peers, p.name)
	}
	p.end()
	return nil
}
