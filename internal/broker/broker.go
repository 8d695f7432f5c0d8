// Package broker lets peers hear each other: what one of them sends goes to all
// the others, as it comes or, in a chat, line by line with names.
package broker

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"gcat/internal/conn"
)

// What a room allows a member.
const (
	// queueMost is how many bytes may wait for a member.
	queueMost = 4 << 20
	// slowFor is how long those that send wait for members whose queues are full.
	// A member for which more than slowLeast bytes wait, and that has taken less
	// by then, is dropped.
	slowFor   = 5 * time.Second
	slowLeast = 1 << 20
)

// A Room passes what one member sends on to all the others. A member whose queue
// is full holds up those that send, or is dropped. The zero value is an empty
// room.
type Room struct {
	// Chat passes on lines, with names in front, instead of bytes as they come.
	Chat bool

	mu      sync.Mutex
	members []*Member // replaced, never changed
	number  int       // of members so far
}

// A Member is a peer in a room, and the local side of its relay: what it reads is
// what the others sent, what is written to it goes to the others.
type Member struct {
	// Number counts the members from 1, in the order in which they came.
	Number int

	room     *Room
	peer     string
	progress *conn.Progress
	drop     context.CancelCauseFunc // ends its conversation
	chat     *chatter                // nil passes bytes on as they come

	gone  chan struct{} // closed when it has left
	ready chan struct{} // holds one: there is something to read

	mu     sync.Mutex
	queue  queue
	left   bool
	space  chan struct{} // closed at the next Read; nil while no sender waits
	behind bool          // more than slowLeast waits, and so did a sender
	since  time.Time     // the last slowFor of that began then
	taken  int           // bytes since
}

// Enter makes peer a member, whose conversation drop ends.
func (r *Room) Enter(peer string, drop context.CancelCauseFunc) *Member {
	m := &Member{room: r, peer: peer, drop: drop, gone: make(chan struct{}), ready: make(chan struct{}, 1)}
	r.mu.Lock()
	r.number++
	m.Number = r.number
	if r.Chat {
		m.chat = newChatter(m)
		m.chat.greet(len(r.members))
	}
	r.members = append(slices.Clip(r.members), m)
	r.mu.Unlock()
	if m.chat != nil {
		m.chat.join()
	}
	return m
}

// Watch sets the clock of the member's conversation, which pauses while the
// member has to wait for others. The relay calls it.
func (m *Member) Watch(progress *conn.Progress) { m.progress = progress }

// Leave takes the member out of the room and, in a chat, announces that.
func (m *Member) Leave() {
	m.remove()
	if m.chat != nil {
		m.chat.leave()
	}
}

// remove takes the member out of the room; a Read of it returns the end of file.
func (m *Member) remove() {
	m.room.mu.Lock()
	m.room.members = slices.DeleteFunc(slices.Clone(m.room.members), func(other *Member) bool { return other == m })
	m.room.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.left {
		m.left = true
		m.queue.clear()
		close(m.gone)
	}
}

// all are the members; the list is not to be changed.
func (r *Room) all() []*Member {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.members
}

// broadcast passes p on to all members but from. It returns when it is in every
// queue: those that are full are waited for at the same time.
func (r *Room) broadcast(from *Member, p []byte) {
	var full []*Member
	members := r.all()
	for _, m := range members {
		if m != from && m.push(p) != nil {
			full = append(full, m)
		}
	}
	if full == nil {
		return
	}
	from.progress.Pause()
	defer from.progress.Resume()
	for _, m := range members {
		m.press()
	}
	for _, m := range full {
		for space := m.push(p); space != nil; space = m.push(p) {
			select {
			case <-space:
			case <-m.gone:
			}
		}
	}
}

// push queues a copy of p. If there is no room for it, it returns a channel that
// is closed when there may be. A member that has left has room for everything.
func (m *Member) push(p []byte) (space <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.left:
		return nil
	case m.queue.size > 0 && m.queue.size+len(p) > queueMost:
		if m.space == nil {
			m.space = make(chan struct{})
		}
		return m.space
	}
	m.queue.put(p)
	select {
	case m.ready <- struct{}{}:
	default:
	}
	return nil
}

// press gives a member that is behind slowFor to take slowLeast. All that are
// behind get it when a sender has to wait for one, or each would cost its own.
func (m *Member) press() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.behind && m.queue.size > slowLeast {
		m.behind, m.since, m.taken = true, time.Now(), 0
		time.AfterFunc(slowFor, m.judge)
	}
}

// judge drops a member that has been behind for slowFor and has taken too little.
func (m *Member) judge() {
	m.mu.Lock()
	slow := false
	switch {
	case !m.behind || m.left || time.Since(m.since) < slowFor: // it has caught up since
	case m.taken < slowLeast:
		slow = true
	default:
		m.since, m.taken = time.Now(), 0
		time.AfterFunc(slowFor, m.judge)
	}
	waiting := m.queue.size
	m.mu.Unlock()
	if slow {
		m.drop(&conn.Error{Why: conn.NotDelivered, Op: m.peer, Err: fmt.Errorf("dropped: it does not keep up, and %d bytes wait for it", waiting)})
		m.remove() // the goroutine of its conversation calls Leave
	}
}

// Read returns what the others sent. The end of file comes when the member has
// left.
func (m *Member) Read(p []byte) (int, error) {
	for {
		if n, err := m.take(p); n > 0 || err != nil {
			return n, err
		}
		select {
		case <-m.ready:
		case <-m.gone:
		}
	}
}

func (m *Member) take(p []byte) (n int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left {
		return 0, io.EOF
	}
	n = m.queue.take(p)
	m.taken += n
	m.behind = m.behind && m.queue.size > slowLeast
	if m.space != nil {
		close(m.space)
		m.space = nil
	}
	return n, nil
}

// Write passes on what the peer sent.
func (m *Member) Write(p []byte) (int, error) {
	if m.chat != nil {
		m.chat.say(p)
	} else {
		m.room.broadcast(m, p)
	}
	return len(p), nil
}

// CloseWrite notes that the peer sends no more; it still hears the others.
func (m *Member) CloseWrite() error {
	if m.chat != nil {
		m.chat.flush()
	}
	return nil
}
