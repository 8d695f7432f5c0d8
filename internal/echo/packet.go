package echo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"gcat/internal/conn"
)

// packets serves one socket of datagrams. Each is answered alone, whole, and
// only if nobody can be hurt by it: see [packets.refuse].
type packets struct {
	server *Server
	socket Socket
	guard  *guard
	local  string
	start  time.Time
	number int64  // of the datagram, from 1
	out    []byte // reused for replies
	key    []byte // reused for addresses

	send func(b []byte, to *origin) error

	mu      sync.Mutex
	told    map[string]time.Time // when a reason was last reported
	held    *packet              // to be sent after the next one
	later   []postponed          // by when they are due
	alarm   *time.Timer          // for the first of them
	sending sync.Mutex
	pending sync.WaitGroup    // replies that wait for their time
	queues  map[string]*queue // replies to Unix peers that are full
}

// An origin is where a datagram came from, and how to answer there.
type origin struct {
	addr netip.AddrPort // invalid for Unix sockets
	name string         // of a Unix socket; empty if it has none
	to   netip.Addr     // where it was sent; invalid if that is not known
	cast bool           // it was sent to a broadcast or multicast address
	raw  rawOrigin
}

// A packet is a reply that waits.
type packet struct {
	data []byte
	to   origin
}

func (o *origin) String() string {
	switch {
	case o.addr.IsValid():
		return netip.AddrPortFrom(o.addr.Addr().Unmap(), o.addr.Port()).String()
	case o.name == "":
		return "unnamed"
	}
	return fmt.Sprintf("%q", o.name)
}

// loopback reports whether a reply of any size stays on this machine.
func (o *origin) loopback() bool {
	return !o.addr.IsValid() || o.addr.Addr().Unmap().IsLoopback()
}

// servePacket serves socket until ctx ends, and closes it.
func (s *Server) servePacket(ctx context.Context, socket Socket) {
	p := &packets{
		server: s, socket: socket, guard: newGuard(s.LoopGuard), start: time.Now(),
		local: addrName(socket.Packet.LocalAddr()), told: map[string]time.Time{},
	}
	stop := context.AfterFunc(ctx, func() {
		_ = socket.Packet.SetReadDeadline(time.Unix(1, 0)) // it fails only on a closed socket
	})
	defer stop()
	if s.Faults.NoRead || s.Faults.NoAccept {
		<-ctx.Done()
	} else {
		p.each(ctx)
	}
	p.pending.Wait()
	_ = socket.Packet.Close()
}

// take answers one datagram.
func (p *packets) take(data []byte, from *origin) {
	s := p.server
	p.number++
	s.Totals.Datagrams.Add(1)
	s.Totals.Received.Add(int64(len(data)))
	if why := p.refuse(data, from); why != "" {
		p.unanswered(from, why)
		return
	}
	reply, ok := p.reply(data, from)
	if !ok {
		return
	}
	if !from.loopback() && len(reply) > len(data) {
		p.unanswered(from, "the answer would be longer than the datagram")
		return
	}
	if !s.gate.one() {
		return
	}
	if s.Faults.anyPacket() {
		p.faulty(reply, from)
		return
	}
	p.deliver(reply, from)
}

// refuse says why a datagram gets no answer, or nothing: one forged packet must
// not set two servers on each other, nor gecho on a third.
func (p *packets) refuse(data []byte, from *origin) string {
	s := p.server
	a := from.addr
	switch {
	case !a.IsValid() && from.name == "":
		return "it has no address to answer to"
	case a.IsValid() && a.Port() < 1024:
		return "its source port is below 1024"
	case from.cast:
		return "it was broadcast or multicast"
	case s.ours(from):
		return "it comes from our own address"
	}
	if s.Permits != nil && a.IsValid() && !s.Permits(net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.Addr().Unmap(), a.Port()))) {
		return "refused by rule"
	}
	if s.LoopGuard > 0 {
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
		if !p.guard.allows(key, data, int64(time.Since(p.start))+int64(time.Hour)) {
			return fmt.Sprintf("more than %d %s a second", s.LoopGuard, what)
		}
	}
	return ""
}

// varies reports whether the same datagram gets another answer the next time. In
// a loop of two servers no two datagrams are alike then, so all count.
func (s *Server) varies() bool {
	return s.Service == Chargen || s.Service == Daytime || s.Service == Time || s.Reply != nil || s.Faults.Corrupt > 0
}

// unanswered reports that nothing was answered, each reason once a second at
// most: a flood of datagrams must not become a flood of lines.
func (p *packets) unanswered(from *origin, why string) {
	p.server.Totals.Unanswered.Add(1)
	kind := Noticed
	if why == "refused by rule" {
		kind = RefusedByRule
	}
	p.mu.Lock()
	last, ok := p.told[why]
	now := time.Now()
	tell := !ok || now.Sub(last) >= time.Second
	if tell {
		p.told[why] = now
	}
	p.mu.Unlock()
	if tell {
		p.report(Event{Kind: kind, Remote: from.String(), What: "datagram not answered: " + why})
	}
}

// reply makes the answer to data; false if the service has none.
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
		size := s.Size
		if size == 0 {
			size = 512
		}
		return patternAt(0, int(min(size, int64(longest)))), true
	case Daytime:
		return daytime(time.Now()), true
	case Time:
		return timestamp(time.Now()), true
	}
	if s.Reply == nil {
		return data, true
	}
	p.out = s.Reply.append(p.out[:0], message{data, from.String(), p.local, p.number})
	return p.out, true
}

// maxDatagram is the longest datagram of UDP over IPv4.
const maxDatagram = 65507

// deliver sends a reply now.
func (p *packets) deliver(reply []byte, to *origin) {
	if err := p.send(reply, to); err != nil {
		p.failed(to, err)
		return
	}
	p.server.Totals.Sent.Add(int64(len(reply)))
}

// failed reports an error of sending to somebody, each kind once a second.
func (p *packets) failed(to *origin, err error) {
	words := conn.Words(err)
	p.mu.Lock()
	now := time.Now()
	tell := now.Sub(p.told[words]) >= time.Second
	if tell {
		p.told[words] = now
	}
	p.mu.Unlock()
	if !tell {
		p.server.Totals.Errors.Add(1)
		return
	}
	p.report(Event{Kind: Failed, Remote: to.String(), Err: err})
}

func (p *packets) report(e Event) {
	e.Endpoint, e.Local = p.socket.Name, p.local
	p.server.report(e)
}

// ownAddresses are the addresses of our own datagram sockets; a socket on all
// addresses has those of all interfaces.
func ownAddresses(sockets []Socket) map[addressKey]struct{} {
	mine := make(map[addressKey]struct{})
	for _, socket := range sockets {
		if socket.Packet == nil {
			continue
		}
		a, ok := socket.Packet.LocalAddr().(*net.UDPAddr)
		if !ok {
			mine[addressKey{name: socket.Packet.LocalAddr().String()}] = struct{}{}
			continue
		}
		bound := a.AddrPort()
		mine[keyOf(bound)] = struct{}{}
		if !bound.Addr().IsUnspecified() {
			continue
		}
		addrs, _ := net.InterfaceAddrs() // without them the loopback is left
		for _, addr := range addrs {
			if n, ok := addr.(*net.IPNet); ok {
				if ip, ok := netip.AddrFromSlice(n.IP); ok {
					mine[keyOf(netip.AddrPortFrom(ip, bound.Port()))] = struct{}{}
				}
			}
		}
		for _, ip := range []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()} {
			mine[keyOf(netip.AddrPortFrom(ip, bound.Port()))] = struct{}{}
		}
	}
	return mine
}

// An addressKey is the address of a datagram socket.
type addressKey struct {
	addr netip.AddrPort
	name string
}

func keyOf(a netip.AddrPort) addressKey {
	return addressKey{addr: netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())}
}

// ours reports whether a datagram claims to come from one of our own sockets.
func (s *Server) ours(from *origin) bool {
	key := addressKey{name: from.name}
	if from.addr.IsValid() {
		key = keyOf(from.addr)
	}
	_, ours := s.mine[key]
	return ours
}
