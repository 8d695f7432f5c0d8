package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
)

// brokerFlags are the options of a listener whose peers talk to each other.
type brokerFlags struct {
	Broker bool `group:"listen" help:"With -lk: all hear all."`
	Chat   bool `group:"listen" help:"The same, with names."`

	hub *hub // nil is neither
}

// checkBroker refuses what does not go with peers that talk to each other.
func (g *gcat) checkBroker(where conn.Endpoint) error {
	name := "--broker"
	if g.Chat {
		name = "--chat"
	}
	switch {
	case !g.Broker && !g.Chat:
		return nil
	case !g.Listen || !g.KeepOpen:
		return cli.Usagef("%s needs -lk", name)
	case g.Exec != "":
		return cli.Usagef("cannot use %s with -e", name)
	case g.SendOnly:
		return cli.Usagef("cannot use %s with --send-only", name)
	case where.Datagram() || where.Network == "unixpacket":
		return cli.Usagef("cannot use %s with %s", name, where.Network)
	}
	g.hub = &hub{seats: make(map[*seat]bool)}
	return nil
}

// What a hub allows a seat.
const (
	// queueMost is how many bytes may wait for a peer.
	queueMost = 4 << 20
	// patienceMost is for how long a peer with a full queue may keep the others
	// waiting, and patiencePerMiB what it earns by every MiB that it takes: who
	// takes 10 MiB/s is always waited for.
	patienceMost   = 250 * time.Millisecond
	patiencePerMiB = 100 * time.Millisecond
	// stallMost is for how long it may take nothing while nobody else waits.
	stallMost = 5 * time.Second
	// glance is how often it is looked whether anybody waits.
	glance = 10 * time.Millisecond
	// portion is what a seat takes from its queue at a time, in bytes.
	portion = 64 << 10
)

// A hub hands what one peer sends to all the others. Nobody waits for a slow
// one: who sends is held back only to the pace of the fastest that listens, and
// a seat whose queue stays full meanwhile is taken away.
type hub struct {
	mu     sync.Mutex
	seats  map[*seat]bool
	number int // of peers so far
}

// A seat is a peer's place in a hub: the local side of its relay. What it reads
// is what the others sent, what is written to it goes to the others.
type seat struct {
	hub    *hub
	number int                     // from 1
	drop   context.CancelCauseFunc // ends its conversation
	peer   string
	chat   *chatter // nil passes bytes on as they come

	gone  chan struct{} // closed when it is taken
	ready chan struct{} // holds one: there is something to read
	room  chan struct{} // holds one: something was taken

	mu       sync.Mutex
	queue    [][]byte
	queued   int
	left     bool
	patience time.Duration
	taken    time.Time // when something was last taken from the queue
}

// join gives the peer a seat and holds its conversation.
func (g *gcat) join(ctx context.Context, c net.Conn, where conn.Endpoint) error {
	ctx, drop := context.WithCancelCause(ctx)
	defer drop(nil)
	progress := new(conn.Progress)
	remote, socket := sides(c, progress)
	peer := g.peerName(c, where)
	s := g.hub.enter(peer, drop, g.Chat)
	g.log.Infof(2, "%s hears the others (peer %d)", peer, s.number)
	relay := &conn.Relay{
		Local: s, Remote: g.wrapRemote(remote, peer), Socket: socket, Peer: peer, Progress: progress,
		Idle: g.idleLimit(),
	}
	defer g.counting(relay)()
	result := relay.Run(ctx)
	g.hub.leave(s)
	if dropped, ok := errors.AsType[*conn.Error](result.Err); ok && dropped == context.Cause(ctx) {
		result.EndedBy = "local"
	}
	g.closed(c, relay, result)
	return result.Err
}

// enter adds a seat.
func (h *hub) enter(peer string, drop context.CancelCauseFunc, chat bool) *seat {
	s := &seat{
		hub: h, drop: drop, peer: peer, gone: make(chan struct{}),
		ready: make(chan struct{}, 1), room: make(chan struct{}, 1),
		patience: patienceMost, taken: time.Now(),
	}
	h.mu.Lock()
	h.number++
	s.number = h.number
	h.seats[s] = true
	h.mu.Unlock()
	if chat {
		s.chat = newChatter(s)
		s.chat.enter()
	}
	return s
}

// leave takes a seat away and, in a chat, tells the others.
func (h *hub) leave(s *seat) {
	h.remove(s)
	if s.chat != nil {
		s.chat.leave()
	}
}

// remove takes a seat away; whoever reads from it meets the end.
func (h *hub) remove(s *seat) {
	h.mu.Lock()
	delete(h.seats, s)
	h.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.left {
		s.left, s.queue = true, nil
		close(s.gone)
	}
}

// others are all seats but one.
func (h *hub) others(s *seat) []*seat {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]*seat, 0, len(h.seats))
	for other := range h.seats {
		if other != s {
			list = append(list, other)
		}
	}
	return list
}

// broadcast hands a copy of p to everybody but from.
func (h *hub) broadcast(from *seat, p []byte) {
	message := append([]byte(nil), p...)
	for _, s := range h.others(from) {
		h.give(from, s, message)
	}
}

// give queues a message for s, or takes its seat away if there is no room for
// it and no more patience.
func (h *hub) give(from, s *seat, message []byte) {
	for !s.push(message) {
		began := time.Now()
		timer := time.NewTimer(glance)
		select {
		case <-s.room:
		case <-s.gone:
		case <-timer.C:
		}
		timer.Stop()
		if s.tires(time.Since(began), h.waiting(from, s)) {
			s.drop(&conn.Error{Why: conn.NotDelivered, Op: s.peer, Err: fmt.Errorf("dropped: it does not keep up, and %d bytes wait for it", queueMost)})
			h.remove(s) // the conversation's own goroutine takes leave
		}
	}
}

// waiting reports whether anybody but from and s has little left to read.
func (h *hub) waiting(from, s *seat) bool {
	for _, other := range h.others(s) {
		if other != from && other.keepsUp() {
			return true
		}
	}
	return false
}

// push queues a message; it reports false if there is no room. A seat that is
// taken away has room for everything.
func (s *seat) push(message []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left {
		return true
	}
	if s.queued > 0 && s.queued+len(message) > queueMost {
		return false
	}
	if s.queued == 0 {
		s.taken = time.Now() // from now on it can be slow
	}
	s.queue = append(s.queue, message)
	s.queued += len(message)
	select {
	case s.ready <- struct{}{}:
	default:
	}
	return true
}

// tires reports whether s has kept others waiting, for another while, for too
// long, or has taken nothing for too long.
func (s *seat) tires(while time.Duration, others bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if others {
		s.patience -= while
	}
	return !s.left && (s.patience <= 0 || time.Since(s.taken) > stallMost)
}

func (s *seat) keepsUp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queued <= queueMost/2
}

// Read returns what the others sent. Its end comes when the seat is taken away.
func (s *seat) Read(p []byte) (int, error) {
	for {
		if n, err := s.pop(p[:min(len(p), portion)]); n > 0 || err != nil {
			return n, err
		}
		select {
		case <-s.ready:
		case <-s.gone:
		}
	}
}

func (s *seat) pop(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left {
		return 0, io.EOF
	}
	for len(s.queue) > 0 && n < len(p) {
		m := copy(p[n:], s.queue[0])
		n += m
		if s.queue[0] = s.queue[0][m:]; len(s.queue[0]) == 0 {
			s.queue[0] = nil
			s.queue = s.queue[1:]
		}
	}
	s.queued -= n
	if n > 0 {
		s.taken = time.Now()
		s.patience = min(patienceMost, s.patience+time.Duration(n)*patiencePerMiB>>20)
		select {
		case s.room <- struct{}{}:
		default:
		}
	}
	return n, nil
}

// Write passes on what the peer sent.
func (s *seat) Write(p []byte) (int, error) {
	if s.chat != nil {
		s.chat.say(p)
	} else {
		s.hub.broadcast(s, p)
	}
	return len(p), nil
}

// CloseWrite notes that the peer will say no more; it goes on listening.
func (s *seat) CloseWrite() error {
	if s.chat != nil {
		s.chat.flush()
	}
	return nil
}
