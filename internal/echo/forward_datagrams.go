package echo

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"gcat/internal/conn"
)

// servePeers forwards the datagrams of each peer to the target, through one socket
// for each, until ctx ends.
func (s *Server) servePeers(ctx context.Context, socket Socket) {
	shared := s.newPackets(socket)
	stop := context.AfterFunc(ctx, func() { _ = socket.Peers.Close() })
	defer stop()
	var live sync.WaitGroup
	defer live.Wait()
	for {
		peer, err := socket.Peers.Accept()
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			shared.readFailed(ctx, err)
			continue
		}
		from := originOf(peer.Addr())
		from.toMany = peer.ToMany
		if kind, why := shared.refuse(nil, &from); why != "" {
			shared.unanswered(&from, kind, why)
			_ = peer.Close()
			continue
		}
		live.Go(func() { // ends with ctx, or once the peer is forgotten
			s.forwardPeer(ctx, shared, peer, from)
		})
	}
}

// forwardPeer joins one peer to the target until it is forgotten.
func (s *Server) forwardPeer(ctx context.Context, shared *packets, peer *conn.DatagramPeer, from origin) {
	defer func() { _ = peer.Close() }() // its next datagram makes it a new one
	number := s.Totals.Connections.Add(1)
	report := func(e Event) {
		e.Number, e.Endpoint, e.Remote, e.Local = number, shared.socket.Name, from.String(), shared.local
		s.report(e)
	}
	report(Event{Kind: Accepted})
	to, err := s.To.Dial(ctx)
	if err != nil {
		report(Event{Kind: Failed, Err: err})
		return
	}
	s.Totals.Now.Add(1)
	defer s.Totals.Now.Add(-1)
	idle := s.Idle
	if idle == 0 {
		idle = conn.PeerMemory
	}
	toPeer := s.newHop(peer, shared, from, down, s.To.Down)
	toTarget := s.newHop(to, shared, from, up, s.To.Up)
	relay := conn.Relay{
		Local: toTarget, Remote: toPeer, Peer: from.String(), To: s.To.Name, Idle: idle, QuitAfterPeer: new(time.Duration),
	}
	result := relay.Run(ctx)
	toPeer.out.drop()
	toTarget.out.drop()
	if c, ok := to.(interface{ Close() error }); ok {
		_ = c.Close()
	}
	if result.Err != nil && ctx.Err() == nil && conn.KindOf(result.Err) != conn.Timeout {
		report(Event{Kind: Failed, Err: result.Err})
	}
	report(Event{
		Kind: Closed, Received: result.Received, Sent: toPeer.forwarded.Load(), Duration: result.Duration,
		FirstByte: result.FirstByte, EndedBy: result.EndedBy,
	})
}

// A hop is one side of a peer's relay. On the peer's side it applies the loop guard
// to what the peer sends, and the bound to what it gets. Faults apply to writes.
type hop struct {
	conn.Stream
	out    *packets // for this hop
	shared *packets // for the socket, with the guard and the reports of all peers
	from   origin
	faulty bool

	received  atomic.Int64 // bytes from the peer
	forwarded atomic.Int64 // bytes of the target's answers
	bounded   bool         // the bound has been reported
}

// newHop makes the hop to stream, which is the peer if way is down.
func (s *Server) newHop(stream conn.Stream, shared *packets, from origin, way string, faulty bool) *hop {
	h := &hop{Stream: stream, shared: shared, from: from, faulty: faulty && s.Faults.anyPacket()}
	h.out = &packets{
		server: s, socket: shared.socket, local: shared.local, reported: map[string]time.Time{},
		way: way, hop: h, waiting: shared.waiting,
		send: func(b []byte, _ *origin) error {
			_, err := stream.Write(b)
			return err
		},
	}
	return h
}

// Unwrap returns the stream below.
func (h *hop) Unwrap() conn.Stream { return h.Stream }

// Read returns the next datagram that the loop guard permits.
func (h *hop) Read(p []byte) (int, error) {
	for {
		n, err := h.Stream.Read(p)
		if err != nil || h.out.way == up {
			return n, err
		}
		s := h.out.server
		h.received.Add(int64(n))
		s.Totals.Datagrams.Add(1)
		s.Totals.Received.Add(int64(n))
		if why := h.shared.looping(p[:n], &h.from); why != "" {
			h.shared.unanswered(&h.from, Looped, why)
		} else if !s.Faults.NoRead {
			return n, nil
		}
	}
}

// Write sends one datagram, unless it would be beyond the bound.
func (h *hop) Write(p []byte) (int, error) {
	if h.out.way == down && !h.permits(len(p)) {
		return len(p), nil
	}
	if h.faulty {
		h.out.number++
		h.out.applyFaults(p, &h.from)
		return len(p), nil
	}
	n, err := h.Stream.Write(p)
	if h.out.way == down {
		h.out.server.Totals.Sent.Add(int64(n))
	}
	return n, err
}

// permits reports whether the peer may get n more bytes: beyond the loopback, a peer
// whose source address may be forged gets no more bytes than it has sent.
func (h *hop) permits(n int) bool {
	s := h.out.server
	if !s.To.Unbounded && !h.from.loopback() && h.forwarded.Load()+int64(n) > h.received.Load() {
		s.Totals.Unanswered.Add(1)
		if !h.bounded {
			h.bounded = true
			h.shared.report(Event{Kind: Bounded, Remote: h.from.String(),
				What: "answer dropped: beyond the loopback a peer gets no more bytes than it has sent"})
		}
		return false
	}
	h.forwarded.Add(int64(n))
	return true
}
