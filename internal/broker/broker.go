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
	// slowFor is how long a sender waits for members whose queues are full. A
	// member with more than leastTaken bytes in its queue that takes fewer than
	// leastTaken in that time is dropped.
	slowFor    = 5 * time.Second
	leastTaken = 1 << 20
)

// A Room sends what one member writes to all the others. A member whose queue is
// full delays the senders until it reads, or is dropped. The zero value is an
// empty room.
type Room struct {
	// Chat sends whole lines, each behind its sender's name; false sends bytes as
	// they arrive.
	Chat bool

	mu      sync.Mutex
	members []*Member // copied on each change: broadcast reads it without mu
	number  int       // members that have entered so far
}

// A Member is a peer in a room, and the local side of its relay: Read returns what
// the others sent, and Write sends to the others.
type Member struct {
	// Number counts the members from 1, in the order of Enter.
	Number int

	room     *Room
	peer     string
	progress *conn.Progress
	drop     context.CancelCauseFunc // cancels its conversation
	chat     *chatter                // nil: bytes are sent as they arrive

	mu      sync.Mutex
	changed *sync.Cond // the queue has bytes for Read, or space for senders; or left is set
	queue   queue
	left    bool
	since   time.Time // start of the current period of slowFor; zero: the member does not lag
	taken   int       // bytes read since then
}

// Enter makes peer a member. The room calls drop to cancel its conversation.
func (r *Room) Enter(peer string, drop context.CancelCauseFunc) *Member {
	m := &Member{room: r, peer: peer, drop: drop}
	m.changed = sync.NewCond(&m.mu)
	r.mu.Lock()
	r.number++
	m.Number = r.number
	if r.Chat {
		m.chat = newChatter(m, len(r.members))
	}
	r.members = append(slices.Clip(r.members), m)
	r.mu.Unlock()
	if m.chat != nil {
		m.chat.announce("joined")
	}
	return m
}

// Watch sets the idle clock of the member's conversation. The clock pauses while
// the member waits for other members. The relay calls Watch.
func (m *Member) Watch(progress *conn.Progress) { m.progress = progress }

// Leave removes the member from the room and, in a chat, announces that.
func (m *Member) Leave() {
	m.room.mu.Lock()
	m.room.members = slices.DeleteFunc(slices.Clone(m.room.members), func(other *Member) bool { return other == m })
	m.room.mu.Unlock()
	m.mu.Lock()
	m.end()
	m.mu.Unlock()
	if m.chat != nil {
		m.chat.flush()
		m.chat.announce("left")
	}
}

// end makes Read return io.EOF, and no sender wait for the member. The caller holds m.mu.
func (m *Member) end() {
	m.left = true
	m.queue.clear()
	m.changed.Broadcast()
}

// broadcast queues p for all members but from. It returns when p is in every
// queue. The queues with space are filled first, and the full ones are waited for
// together.
func (r *Room) broadcast(from *Member, p []byte) {
	r.mu.Lock()
	members := r.members
	r.mu.Unlock()
	var full []*Member
	for _, m := range members {
		if m != from && !m.push(p, false) {
			full = append(full, m)
		}
	}
	if full == nil {
		return
	}
	from.progress.Pause()
	defer from.progress.Resume()
	for _, m := range members {
		m.startPeriod()
	}
	for _, m := range full {
		m.push(p, true)
	}
}

// push queues a copy of p. If the queue is full, push waits for space, or without wait
// returns false. For a member that has left, p is dropped.
func (m *Member) push(p []byte, wait bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for !m.left && m.queue.size > 0 && m.queue.size+len(p) > queueMost {
		if !wait {
			return false
		}
		m.changed.Wait()
	}
	if !m.left {
		if m.queue.size == 0 { // else Read does not wait
			m.changed.Broadcast()
		}
		m.queue.put(p)
	}
	return true
}

// startPeriod starts the period of slowFor in which a member that lags has to read
// leastTaken bytes. broadcast starts it for all such members at once; otherwise the
// sender would wait slowFor for each of them in turn.
func (m *Member) startPeriod() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.since.IsZero() && m.queue.size > leastTaken {
		m.nextPeriod()
	}
}

func (m *Member) nextPeriod() {
	m.since, m.taken = time.Now(), 0
	time.AfterFunc(slowFor, m.endPeriod)
}

// endPeriod drops a member that has lagged for slowFor and has read too little.
func (m *Member) endPeriod() {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.since.IsZero() || m.left || time.Since(m.since) < slowFor: // it has caught up since
	case m.taken < leastTaken:
		m.drop(&conn.Error{
			Why: conn.NotDelivered, Op: m.peer,
			Err: fmt.Errorf("dropped: it does not keep up, and %d bytes wait for it", m.queue.size),
		})
		m.end() // the goroutine of its conversation calls Leave
	default:
		m.nextPeriod()
	}
}

// Read returns what the others sent, and io.EOF when the member has left.
func (m *Member) Read(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.queue.size == 0 && !m.left {
		m.changed.Wait()
	}
	if m.left {
		return 0, io.EOF
	}
	n := m.queue.take(p)
	m.taken += n
	if m.queue.size <= leastTaken {
		m.since = time.Time{}
	}
	m.changed.Broadcast()
	return n, nil
}

// Write sends p to the other members. It never fails.
func (m *Member) Write(p []byte) (int, error) {
	if m.chat != nil {
		m.chat.write(p)
	} else {
		m.room.broadcast(m, p)
	}
	return len(p), nil
}

// CloseWrite flushes an unfinished line of a chat. The member stays in the room.
func (m *Member) CloseWrite() error {
	if m.chat != nil {
		m.chat.flush()
	}
	return nil
}
