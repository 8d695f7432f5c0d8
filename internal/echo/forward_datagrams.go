package echo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"gcat/internal/conn"
)

// mostPeers is how many datagram peers there are with a Target if MaxConns is 0; each has
// a socket to the target.
const mostPeers = 1000

// forward forwards the datagrams of each peer to the target, through one socket for each,
// until ctx ends, and then those in flight.
func (p *packets) forward(ctx context.Context) {
	peers := conn.NewDatagramPeers(p.socket.Packet)
	peers.Keep, peers.Most = true, cmp.Or(p.server.MaxConns, mostPeers)
	peers.Refuses = func(from *conn.Sender) bool {
		kind, why := p.refuse(from)
		if why != "" {
			p.server.Totals.Datagrams.Add(1)
			p.lane.unanswered(from, kind, why)
		}
		return why != ""
	}
	stop := context.AfterFunc(ctx, peers.Drain)
	defer stop()
	var live sync.WaitGroup
	defer live.Wait()
	for {
		peer, err := peers.Accept()
		switch {
		case err == nil: // it ends when the peer is silent after ctx has ended, or is forgotten
			live.Go(func() { p.forwardPeer(ctx, peer) })
		case err == io.EOF, errors.Is(err, net.ErrClosed), p.receiveFailed(ctx, err):
			return
		}
	}
}

// forwardPeer joins one peer to the target until it is forgotten.
func (p *packets) forwardPeer(ctx context.Context, peer *conn.DatagramPeer) {
	defer func() { _ = peer.Close() }() // its next datagram makes it a new one
	s := p.server
	number := s.Totals.Connections.Add(1)
	toPeer := p.newHop(peer, peer.Sender, number, down, s.To.Down)
	report := func(e Event) { toPeer.reportOf(peer.Sender, e) }
	report(Event{Kind: Accepted})
	relaying, end := context.WithCancel(s.graceOver)
	defer end()
	to, err := s.To.Dial(relaying)
	if err != nil {
		report(Event{Kind: Failed, Err: err})
		return
	}
	s.Totals.Now.Add(1)
	defer s.Totals.Now.Add(-1)
	toTarget := p.newHop(to, peer.Sender, number, up, s.To.Up)
	relay := conn.Relay{
		Local: toTarget, Remote: toPeer, Peer: addrName(peer.Addr()), To: s.To.Name,
		Idle: cmp.Or(s.Idle, conn.PeerMemory), QuitAfterPeer: new(time.Duration),
	}
	stop := context.AfterFunc(ctx, func() { // ends with relaying
		for relaying.Err() == nil && (peer.Silence() < answerWait || toPeer.waits() || toTarget.waits()) {
			time.Sleep(silenceLook)
		}
		end()
	})
	defer stop()
	result := relay.Run(relaying)
	end()
	toPeer.finish(relaying)
	toTarget.finish(relaying)
	if c, ok := to.(interface{ Close() error }); ok {
		_ = c.Close()
	}
	if n := result.Dropped; n > 0 {
		s.Totals.Dropped.Add(n)
		report(Event{Kind: Noticed, What: fmt.Sprintf("dropped datagrams, which came too fast or were too long to be forwarded: %d", n)})
	}
	if result.Err != nil && ctx.Err() == nil && conn.KindOf(result.Err) != conn.Timeout {
		report(Event{Kind: Failed, Err: result.Err})
	}
	report(Event{
		Kind: Closed, Received: result.Received, Sent: toPeer.sent.Load(), Duration: result.Duration,
		FirstByte: result.FirstByte, EndedBy: result.EndedBy,
	})
}

// Once gecho is to end, a peer is forwarded until there has been no datagram for answerWait,
// and postponed replies are waited for; both are looked at every silenceLook.
const (
	answerWait  = time.Second
	silenceLook = 20 * time.Millisecond
)

// A hop is one side of a peer's relay. On the peer's side it applies the loop guard
// to what the peer sends, and the bound to what it gets. Faults apply to writes.
type hop struct {
	conn.Stream
	lane
	from   *conn.Sender
	faulty bool

	received  atomic.Int64 // bytes from the peer
	forwarded atomic.Int64 // bytes of the target's answers, those that a fault loses included
	sent      atomic.Int64 // bytes that have left
	bounded   bool         // the bound has been reported
}

// newHop makes the hop to stream, which is the peer if direction is down.
func (p *packets) newHop(stream conn.Stream, from *conn.Sender, connection int64, direction string, faulty bool) *hop {
	h := &hop{Stream: stream, from: from, faulty: faulty && p.server.Faults.anyPacket()}
	h.lane = lane{p: p, connection: connection, direction: direction, send: func(b []byte, _ *conn.Sender) error {
		n, err := stream.Write(b)
		h.sent.Add(int64(n))
		return err
	}}
	if direction == down {
		h.bound = h.permits
	}
	return h
}

// Watch takes the relay's clock: a delay is not idleness.
func (h *hop) Watch(p *conn.Progress) { h.progress = p }

// Unwrap returns the stream below.
func (h *hop) Unwrap() conn.Stream { return h.Stream }

// Read returns the next datagram that the loop guard permits.
func (h *hop) Read(b []byte) (int, error) {
	for {
		n, err := h.Stream.Read(b)
		if err != nil || h.direction == up {
			return n, err
		}
		s := h.p.server
		h.received.Add(int64(n))
		s.Totals.Datagrams.Add(1)
		s.Totals.Received.Add(int64(n))
		why := h.p.looping(b[:n], h.from)
		if why == "" {
			return n, nil
		}
		h.unanswered(h.from, Looped, why)
	}
}

// Write sends one datagram, unless it would be beyond the bound.
func (h *hop) Write(b []byte) (int, error) {
	if h.direction == down && !h.permits(len(b), h.from) {
		return len(b), nil
	}
	if h.faulty {
		h.number++
		h.applyFaults(b, h.from)
		return len(b), nil
	}
	if err := h.send(b, h.from); err != nil {
		return 0, err
	}
	if h.direction == down {
		h.p.server.Totals.Sent.Add(int64(len(b)))
	}
	return len(b), nil
}

// permits reports whether the peer may get n more bytes: beyond the loopback, a peer
// whose source address may be forged gets no more bytes than it has sent.
func (h *hop) permits(n int, to *conn.Sender) bool {
	s := h.p.server
	if !s.To.Unbounded && !loopback(to) && h.forwarded.Load()+int64(n) > h.received.Load() {
		s.Totals.Unanswered.Add(1)
		if !h.bounded {
			h.bounded = true
			h.reportOf(to, Event{Kind: Bounded, What: "answer dropped: beyond the loopback a peer gets no more bytes than it has sent"})
		}
		return false
	}
	h.forwarded.Add(int64(n))
	return true
}
