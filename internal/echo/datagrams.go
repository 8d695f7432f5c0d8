package echo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gcat/internal/conn"
)

// packets serves one datagram socket. Each datagram gets one answer, whole, or none
// if an answer could do harm: see [packets.refuse].
type packets struct {
	server *Server
	socket Socket
	guard  *loopGuard
	local  string
	start  time.Time
	number int64  // of the datagram, from 1
	lost   int64  // datagrams dropped by the kernel, as counted last
	way    string // the direction with a Target
	hop    *hop   // with a Target
	out    []byte // reused for replies
	key    []byte // reused for addresses

	send func(b []byte, to *origin) error

	mu       sync.Mutex
	reported map[string]time.Time // when a reason last was
	held     *postponed           // of later, to be sent behind the next one
	later    []*postponed         // in the order in which they are due
	waiting  *atomic.Int64        // bytes of later, as counted by postpone; the hops of a socket share it
	alarm    *time.Timer          // for the first of them
	sending  sync.Mutex
	pending  sync.WaitGroup // replies that wait for their time
}

// An origin is where a datagram came from, and how to answer there.
type origin struct {
	addr    netip.AddrPort // unmapped; invalid for Unix sockets
	name    string         // of a Unix socket; empty if it has none
	peer    net.Addr       // of a CAN socket; else nil
	toMany  bool           // it was sent to a broadcast or multicast address
	control []byte         // the answer's control messages (UDP)
}

func (o *origin) String() string {
	switch {
	case o.addr.IsValid():
		return o.addr.String()
	case o.name == "":
		return "unnamed"
	}
	return fmt.Sprintf("%q", o.name)
}

// loopback reports whether a reply of any size stays on this machine.
func (o *origin) loopback() bool {
	return !o.addr.IsValid() || o.addr.Addr().IsLoopback()
}

func (s *Server) newPackets(socket Socket) *packets {
	return &packets{
		server: s, socket: socket, guard: newLoopGuard(s.LoopGuard), start: time.Now(),
		local: addrName(socket.Addr()), reported: map[string]time.Time{},
		waiting: new(atomic.Int64),
	}
}

// servePacket serves socket until ctx ends, and closes it.
func (s *Server) servePacket(ctx context.Context, socket Socket) {
	p := s.newPackets(socket)
	stop := context.AfterFunc(ctx, func() {
		_ = socket.Packet.SetReadDeadline(time.Unix(1, 0)) // it fails only on a closed socket
	})
	defer stop()
	if s.Faults.NoRead || s.Faults.NoAccept {
		<-ctx.Done()
	} else {
		p.each(ctx)
	}
	p.finish()
	p.countDropped()
	_ = socket.Packet.Close()
}

// finish gives pending replies the same grace as connections, then drops them.
func (p *packets) finish() {
	sent := make(chan struct{})
	go func() { p.pending.Wait(); close(sent) }() // ends when the last is sent, or dropped
	select {
	case <-sent:
		return
	case <-p.server.stopping.Done():
	}
	timer := time.NewTimer(p.server.grace)
	defer timer.Stop()
	select {
	case <-sent:
	case <-timer.C:
		p.drop()
	}
}

// countDropped brings the total of dropped datagrams up to date.
func (p *packets) countDropped() {
	if c, ok := p.socket.Packet.(net.Conn); ok {
		if n := conn.Dropped(c); n > p.lost {
			p.server.Totals.Dropped.Add(n - p.lost)
			p.lost = n
		}
	}
}

// dropLook is the number of datagrams between two reads of the kernel's drop count.
const dropLook = 256

// take answers one datagram.
func (p *packets) take(data []byte, from *origin) {
	s := p.server
	if p.number++; p.number%dropLook == 0 {
		p.countDropped()
	}
	s.Totals.Datagrams.Add(1)
	s.Totals.Received.Add(int64(len(data)))
	if kind, why := p.refuse(data, from); why != "" {
		p.unanswered(from, kind, why)
		return
	}
	reply, answers := p.reply(data, from)
	if !from.loopback() && len(reply) > len(data) {
		p.unanswered(from, Noticed, "the answer would be longer than the datagram")
		return
	}
	if !s.slots.countDatagram() || !answers {
		return
	}
	if s.Faults.anyPacket() {
		p.applyFaults(reply, from)
		return
	}
	p.deliver(reply, from)
}

// refuse returns why a datagram gets no answer, and the kind of the event that reports
// it; why is empty if the datagram gets one. One forged packet must not start a loop
// between two servers, nor direct gecho's answers at a third host.
func (p *packets) refuse(data []byte, from *origin) (kind EventKind, why string) {
	s := p.server
	a := from.addr
	switch {
	case !a.IsValid() && from.name == "":
		return Noticed, "it has no address to answer to"
	case a.IsValid() && a.Port() < 1024:
		return Noticed, "its source port is below 1024"
	case a.Addr().IsMulticast(), a.Addr() == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return Noticed, "its source is a multicast or broadcast address"
	case from.toMany:
		return Noticed, "it was broadcast or multicast"
	case s.ours(from):
		return Noticed, "it comes from our own address"
	}
	if s.Permits != nil && a.IsValid() && !s.Permits(net.UDPAddrFromAddrPort(a)) {
		return RefusedByRule, "refused by rule"
	}
	return Looped, p.looping(data, from)
}

// looping returns why a datagram may belong to a loop; empty means that it does
// not.
func (p *packets) looping(data []byte, from *origin) string {
	s := p.server
	a := from.addr
	if s.LoopGuard > 0 {
		p.mu.Lock()
		defer p.mu.Unlock()
		key := append(p.key[:0], from.name...)
		if a.IsValid() {
			ip := a.Addr().As16()
			key = append(append(key, ip[:]...), byte(a.Port()>>8), byte(a.Port()))
		}
		p.key = key
		what := "identical datagrams"
		if s.varies() {
			data, what = nil, "datagrams"
		}
		if !p.guard.allows(key, data, int64(time.Since(p.start))) {
			return fmt.Sprintf("a run of more than %d %s, which only %v of silence ends", s.LoopGuard, what, quiet)
		}
	}
	return ""
}

// varies reports whether equal datagrams get different answers. Then the datagrams
// of a loop differ, and the loop guard counts all of them.
func (s *Server) varies() bool {
	return s.Service == Chargen || s.Service == Daytime || s.Service == Time || s.Reply != nil || s.Faults.Corrupt > 0
}

// unanswered counts a datagram without an answer and reports why, each reason once
// a second at most: a flood of datagrams must not become a flood of log lines.
func (p *packets) unanswered(from *origin, kind EventKind, why string) {
	p.server.Totals.Unanswered.Add(1)
	if p.mayReport(why) {
		p.report(Event{Kind: kind, Remote: from.String(), What: "datagram not answered: " + why})
	}
}

// mayReport reports whether the reason was not reported within the last second, and counts
// it as reported now.
func (p *packets) mayReport(why string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, ok := p.reported[why]
	now := time.Now()
	if ok && now.Sub(last) < time.Second {
		return false
	}
	p.reported[why] = now
	return true
}

// reply returns the answer to data; false if the service sends none.
func (p *packets) reply(data []byte, from *origin) ([]byte, bool) {
	s := p.server
	longest := maxDatagram
	if !from.loopback() {
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
	p.out = s.Reply.append(p.out[:0], message{data: data, remote: from.String(), local: p.local, n: p.number})
	return p.out, true
}

// maxDatagram is the longest datagram of UDP over IPv4.
const maxDatagram = conn.MaxDatagram

// deliver sends a reply now.
func (p *packets) deliver(reply []byte, to *origin) {
	err := p.send(reply, to)
	switch {
	case err == nil && p.way == up: // not to the peer
	case err == nil:
		p.server.Totals.Sent.Add(int64(len(reply)))
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOBUFS):
		p.unanswered(to, Noticed, "the peer's queue or our send buffer is full")
	default:
		p.failed(to, err)
	}
}

// failed reports an error of sending, each text once a second at most.
func (p *packets) failed(to *origin, err error) {
	if !p.mayReport(conn.Words(err)) {
		p.server.Totals.Errors.Add(1)
		return
	}
	p.report(Event{Kind: Failed, Remote: to.String(), Err: err})
}

func (p *packets) report(e Event) {
	e.Endpoint, e.Local = p.socket.Name, p.local
	p.server.report(e)
}

// ownAddresses are those that our datagram sockets are bound to.
func ownAddresses(sockets []Socket) map[addressKey]struct{} {
	own := make(map[addressKey]struct{})
	for _, socket := range sockets {
		if socket.Listener != nil || socket.Conn != nil {
			continue
		}
		local := socket.Addr()
		if a, ok := local.(*net.UDPAddr); ok {
			own[keyOf(a.AddrPort())] = struct{}{}
		} else {
			own[addressKey{name: local.String()}] = struct{}{}
		}
	}
	return own
}

// An addressKey is the address of a datagram socket.
type addressKey struct {
	addr netip.AddrPort // 0.0.0.0 for all addresses of either family
	name string
}

func keyOf(a netip.AddrPort) addressKey {
	ip := a.Addr().Unmap().WithZone("")
	if ip.IsUnspecified() {
		ip = netip.IPv4Unspecified()
	}
	return addressKey{addr: netip.AddrPortFrom(ip, a.Port())}
}

// ours reports whether a datagram has the address of one of our own sockets as its
// source. A socket on all addresses has every address of this machine.
func (s *Server) ours(from *origin) bool {
	if from.peer != nil {
		return false // a CAN socket does not receive what it sends
	}
	if !from.addr.IsValid() {
		_, ours := s.own[addressKey{name: from.name}]
		return ours
	}
	if _, ours := s.own[keyOf(from.addr)]; ours {
		return true
	}
	_, all := s.own[keyOf(netip.AddrPortFrom(netip.IPv4Unspecified(), from.addr.Port()))]
	return all && conn.OnThisMachine(from.addr.Addr())
}
