// Package broker lets peers hear each other: what one of them sends goes to all
// the others, as it comes or, in a chat, line by line with names.
package broker

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"gcat/internal/conn"
)

// What a room allows a member.
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
	// portion is what a member takes from its queue at a time, in bytes.
	portion = 64 << 10
)

// A Room hands what one peer sends to all the others. Nobody waits for a slow
// one: who sends is held back only to the pace of the fastest that listens, and
// a member whose queue stays full meanwhile is taken away.
type Room struct {
	// Chat passes on lines, with names in front, instead of bytes as they come.
	Chat bool

	mu      sync.Mutex
	members map[*Member]bool
	number  int // of peers so far
}

// A Member is a peer in a room: the local side of its relay. What it reads
// is what the others sent, what is written to it goes to the others.
type Member struct {
	room   *Room
	Number int                     // from 1
	drop   context.CancelCauseFunc // ends its conversation
	peer   string
	chat   *chatter // nil passes bytes on as they come

	gone  chan struct{} // closed when it is taken
	ready chan struct{} // holds one: there is something to read
	space chan struct{} // holds one: something was taken

	mu       sync.Mutex
	queue    [][]byte
	queued   int
	left     bool
	patience time.Duration
	taken    time.Time // when something was last taken from the queue
}

// Enter adds peer as a member, whose conversation drop ends.
func (h *Room) Enter(peer string, drop context.CancelCauseFunc) *Member {
	s := &Member{
		room: h, drop: drop, peer: peer, gone: make(chan struct{}),
		ready: make(chan struct{}, 1), space: make(chan struct{}, 1),
		patience: patienceMost, taken: time.Now(),
	}
	h.mu.Lock()
	h.number++
	s.Number = h.number
	if h.members == nil {
		h.members = make(map[*Member]bool)
	}
	h.members[s] = true
	h.mu.Unlock()
	if h.Chat {
		s.chat = newChatter(s)
		s.chat.enter()
	}
	return s
}

// Leave takes the member away and, in a chat, tells the others.
func (s *Member) Leave() {
	s.room.remove(s)
	if s.chat != nil {
		s.chat.leave()
	}
}

// remove takes a member away; whoever reads from it meets the end.
func (h *Room) remove(s *Member) {
	h.mu.Lock()
	delete(h.members, s)
	h.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.left {
		s.left, s.queue = true, nil
		close(s.gone)
	}
}

// others are all members but one.
func (h *Room) others(s *Member) []*Member {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]*Member, 0, len(h.members))
	for other := range h.members {
		if other != s {
			list = append(list, other)
		}
	}
	return list
}

// broadcast hands a copy of p to everybody but from.
func (h *Room) broadcast(from *Member, p []byte) {
	message := append([]byte(nil), p...)
	for _, s := range h.others(from) {
		h.give(from, s, message)
	}
}

// give queues a message for s, or takes its member away if there is no room for
// it and no more patience.
func (h *Room) give(from, s *Member, message []byte) {
	for !s.push(message) {
		began := time.Now()
		timer := time.NewTimer(glance)
		select {
		case <-s.space:
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
func (h *Room) waiting(from, s *Member) bool {
	for _, other := range h.others(s) {
		if other != from && other.keepsUp() {
			return true
		}
	}
	return false
}

// push queues a message; it reports false if there is no room. A member that is
// taken away has room for everything.
func (s *Member) push(message []byte) bool {
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
func (s *Member) tires(while time.Duration, others bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if others {
		s.patience -= while
	}
	return !s.left && (s.patience <= 0 || time.Since(s.taken) > stallMost)
}

func (s *Member) keepsUp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queued <= queueMost/2
}

// Read returns what the others sent. Its end comes when the member is taken away.
func (s *Member) Read(p []byte) (int, error) {
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

func (s *Member) pop(p []byte) (n int, err error) {
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
		case s.space <- struct{}{}:
		default:
		}
	}
	return n, nil
}

// Write passes on what the peer sent.
func (s *Member) Write(p []byte) (int, error) {
	if s.chat != nil {
		s.chat.say(p)
	} else {
		s.room.broadcast(s, p)
	}
	return len(p), nil
}

// CloseWrite notes that the peer will say no more; it goes on listening.
func (s *Member) CloseWrite() error {
	if s.chat != nil {
		s.chat.flush()
	}
	return nil
}
