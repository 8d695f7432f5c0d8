package echo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gcat/internal/conn"
)

// packets serves one datagram socket. Each datagram gets one answer, whole, or none
// if an answer could do harm: see [packets.refuse]. With a Target it is forwarded: see
// [packets.forward].
type packets struct {
	server *Server
	socket Socket
	guard  *loopGuard
	local  string
	start  time.Time
	lost   int64 // datagrams dropped by the kernel, as counted last
	lane   lane  // of the replies
	out    []byte

	waiting atomic.Int64 // bytes of postponed replies, in all lanes of the socket

	mu       sync.Mutex
	reported map[string]time.Time // when a reason last was
}

func (s *Server) newPackets(socket Socket) *packets {
	p := &packets{
		server: s, socket: socket, guard: newLoopGuard(s.LoopGuard), start: time.Now(),
		local: addrName(socket.Addr()), reported: map[string]time.Time{},
	}
	p.lane = lane{p: p, bound: p.mayRepeat}
	return p
}

// servePacket serves socket until ctx ends, and closes it.
func (s *Server) servePacket(ctx context.Context, socket Socket) {
	p := s.newPackets(socket)
	stop := context.AfterFunc(ctx, func() {
		_ = socket.Packet.SetReadDeadline(time.Unix(1, 0)) // it fails only on a closed socket
	})
	defer stop()
	if conn.EndpointOf(socket.Addr()).CAN() { // a slow peer of ISO-TP can delay a reply for as long as it likes
		defer context.AfterFunc(s.graceOver, func() { _ = socket.Packet.Close() })()
	}
	switch {
	case s.Faults.NoRead || s.Faults.NoAccept:
		<-ctx.Done()
	case s.To != nil:
		p.forward(ctx)
	default:
		p.each(ctx)
	}
	p.lane.finish(s.graceOver)
	p.countDropped()
	_ = socket.Packet.Close()
}

// each answers each datagram until ctx ends, or the interface is deleted.
func (p *packets) each(ctx context.Context) {
	grams := conn.NewDatagramSocket(p.socket.Packet)
	p.lane.send = grams.Send
	most := math.MaxInt
	if p.server.Count > 0 {
		most = 1 // the others are for another process that has the socket
	}
	for ctx.Err() == nil {
		data, from, err := grams.Receive(most)
		switch {
		case err == nil:
			p.take(data, from)
		case from != nil:
			p.server.Totals.Datagrams.Add(1)
			p.lane.unanswered(from, Noticed, conn.Words(err))
		case p.receiveFailed(ctx, err):
			return
		}
	}
}

// receivePause is the pause after an error of receiving, so that a lasting error does not
// keep a processor busy. A CAN interface that is being deleted is down first.
const receivePause = 100 * time.Millisecond

// receiveFailed waits for receivePause, and reports an error of receiving. gone is
// whether that is the last one.
func (p *packets) receiveFailed(ctx context.Context, err error) (gone bool) {
	if ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	select {
	case <-time.After(receivePause):
	case <-ctx.Done():
	}
	if gone = conn.Gone(p.socket.Packet); gone {
		p.server.Totals.Gone.Add(1)
		err = syscall.ENODEV
	}
	p.report(Event{Kind: Failed, Err: &conn.Error{Why: conn.Local, Op: "receive on " + p.socket.Name, Err: err}})
	return gone
}

// countDropped brings the total of dropped datagrams up to date.
func (p *packets) countDropped() {
	if n := conn.Dropped(p.socket.Packet); n > p.lost {
		p.server.Totals.Dropped.Add(n - p.lost)
		p.lost = n
	}
}

// dropLook is the number of datagrams between two reads of the kernel's drop count.
const dropLook = 256

// take answers one datagram.
func (p *packets) take(data []byte, from *conn.Sender) {
	s := p.server
	if p.lane.number++; p.lane.number%dropLook == 0 {
		p.countDropped()
	}
	s.Totals.Datagrams.Add(1)
	s.Totals.Received.Add(int64(len(data)))
	kind, why := p.refuse(from)
	if why == "" {
		kind, why = Looped, p.looping(data, from)
	}
	if why != "" {
		p.lane.unanswered(from, kind, why)
		return
	}
	reply, answers := p.reply(data, from)
	if !loopback(from) && len(reply) > len(data) {
		p.lane.unanswered(from, Noticed, "the answer would be longer than the datagram")
		return
	}
	if !s.slots.countDatagram() || !answers {
		return
	}
	if s.Faults.anyPacket() {
		p.lane.applyFaults(reply, from)
		return
	}
	p.lane.deliver(reply, from)
}

// loopback reports whether a reply of any size stays on this machine.
func loopback(from *conn.Sender) bool {
	return !from.AddrPort.IsValid() || from.AddrPort.Addr().IsLoopback()
}

// refuse returns why a datagram from that source gets no answer, and the kind of the event
// that reports it; why is empty if it may get one. One forged packet must not start a loop
// between two servers, nor direct gecho's answers at a third host.
func (p *packets) refuse(from *conn.Sender) (kind EventKind, why string) {
	s := p.server
	a := from.AddrPort
	switch {
	case !a.IsValid() && from.Addr() == nil && p.socket.Packet.RemoteAddr() == nil:
		return Noticed, "it has no address to answer to"
	case a.IsValid() && a.Port() < 1024:
		return Noticed, "its source port is below 1024"
	case a.Addr().IsMulticast(), a.Addr() == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return Noticed, "its source is a multicast or broadcast address"
	case from.ToMany:
		return Noticed, "it was broadcast or multicast"
	case s.ours(from):
		return Noticed, "it comes from our own address"
	case s.Permits != nil && a.IsValid() && !s.Permits(from.Addr()):
		return RefusedByRule, "refused by rule"
	}
	return 0, ""
}

// looping returns why a datagram may belong to a loop; empty means that it does
// not.
func (p *packets) looping(data []byte, from *conn.Sender) string {
	s := p.server
	if s.LoopGuard == 0 {
		return ""
	}
	what := "identical datagrams"
	if s.varies() {
		data, what = nil, "datagrams"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.guard.allows(from.Key(), data, int64(time.Since(p.start))) {
		return ""
	}
	return fmt.Sprintf("a run of more than %d %s, which only %v of silence ends", s.LoopGuard, what, quiet)
}

// varies reports whether equal datagrams get different answers. Then the datagrams
// of a loop differ, and the loop guard counts all of them.
func (s *Server) varies() bool {
	return s.Service == Chargen || s.Service == Daytime || s.Service == Time || s.Reply != nil || s.Faults.Corrupt > 0
}

// unanswered counts a datagram without an answer and reports why, each reason once
// a second at most: a flood of datagrams must not become a flood of log lines.
func (l *lane) unanswered(from *conn.Sender, kind EventKind, why string) {
	l.p.server.Totals.Unanswered.Add(1)
	if l.p.mayReport(why) {
		l.reportOf(from, Event{Kind: kind, What: "datagram not answered: " + why})
	}
}

// mayReport reports whether the reason was not reported within the last second, and counts
// it as reported now.
func (p *packets) mayReport(why string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.reported[why]) < time.Second {
		return false
	}
	p.reported[why] = now
	return true
}

// reply returns the answer to data; false if the service sends none.
func (p *packets) reply(data []byte, from *conn.Sender) ([]byte, bool) {
	s := p.server
	longest := conn.MaxDatagram
	if !loopback(from) {
		longest = len(data)
	}
	switch s.Service {
	case Discard:
		return nil, false
	case Chargen:
		return patternAt(rand.Int64N(cycleLength), min(longest, rand.IntN(513))), true
	case Source:
		return patternAt(0, int(min(cmp.Or(s.Size, 512), int64(longest)))), true
	case Daytime:
		return daytime(time.Now()), true
	case Time:
		return timestamp(time.Now()), true
	}
	if s.Reply == nil {
		return data, true
	}
	p.out = s.Reply.append(p.out[:0], message{data: data, remote: addrName(from.Addr()), local: p.local, n: p.lane.number})
	return p.out, true
}

// failed reports an error of sending, each text once a second at most.
func (l *lane) failed(to *conn.Sender, err error) {
	switch {
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOBUFS):
		l.unanswered(to, Noticed, "the peer's queue or our send buffer is full")
	case l.p.mayReport(conn.Words(err)):
		l.reportOf(to, Event{Kind: Failed, Err: err})
	default:
		l.p.server.Totals.Errors.Add(1)
	}
}

func (p *packets) report(e Event) {
	e.Endpoint, e.Local = p.socket.Name, p.local
	p.server.report(e)
}

// reportOf reports an event of a peer.
func (l *lane) reportOf(peer *conn.Sender, e Event) {
	e.Number, e.Remote = l.connection, addrName(peer.Addr())
	l.p.report(e)
}

// ours reports whether a datagram comes from one of our own sockets. One on all addresses
// has every address of this machine; one of CAN does not receive what it sends.
func (s *Server) ours(from *conn.Sender) bool {
	return slices.ContainsFunc(s.own, func(own net.Addr) bool {
		switch own := own.(type) {
		case *net.UDPAddr:
			return own.Port == int(from.AddrPort.Port()) &&
				conn.EndpointOf(from.Addr()).Reaches(context.Background(), conn.Resolver{}, own)
		case *net.UnixAddr:
			u, ok := from.Addr().(*net.UnixAddr)
			return ok && u.Name == own.Name
		}
		return false
	})
}
