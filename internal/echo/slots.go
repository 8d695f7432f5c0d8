package echo

import (
	"context"
	"sync"

	"gcat/internal/tlsconn"
)

// A slots limits the connections of a server. A slot is taken before a connection is
// accepted, so that at most max are served at once and at most wanted of those that
// count are ever served. A TLS connection takes its slot for good after its
// handshake: peers that stall in the handshake cannot keep out others.
type slots struct {
	mu       sync.Mutex
	max      int           // 0: no limit
	room     int           // for connections, those in a handshake included; 0: no limit
	active   int           // slots taken
	shaking  int           // connections in a TLS handshake
	wanted   int64         // 0: no end
	reserved int64         // slots taken by connections that count or may come to count
	counted  int64         // of those, connections that do count
	changed  chan struct{} // closed when a slot may have become free
	left     chan struct{} // closed when a connection has ended
	over     chan struct{} // closed when wanted connections have been counted
}

func newSlots(max, room int, wanted int64) *slots {
	return &slots{max: max, room: room, wanted: wanted, over: make(chan struct{})}
}

// take takes a slot if there is one; for a TLS connection it is one for a handshake, which
// enter exchanges.
func (s *slots) take(secure bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.free(secure) {
		return false
	}
	s.reserved++
	s.add(secure, 1)
	return true
}

// add counts a connection that begins (1) or ends (-1). It is called with the lock
// held.
func (s *slots) add(secure bool, n int) {
	if secure {
		s.shaking += n
	} else {
		s.active += n
	}
}

// free reports whether there is a slot. It is called with the lock held.
func (s *slots) free(secure bool) bool {
	return (s.max == 0 || s.active < s.max) && (s.room == 0 || s.active+s.shaking < s.room) &&
		(!secure || s.shaking < tlsconn.MaxHandshakes) && (s.wanted == 0 || s.reserved < s.wanted)
}

// enter waits for a slot for a TLS connection whose handshake is finished; false if
// ended is closed meanwhile.
func (s *slots) enter(ended <-chan struct{}) bool {
	for {
		s.mu.Lock()
		if s.max == 0 || s.active < s.max {
			s.shaking--
			s.active++
			s.mu.Unlock()
			return true
		}
		changed := waiter(&s.changed)
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ended:
			return false
		}
	}
}

// count records that the connection of a slot counts among those wanted.
func (s *slots) count() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.countOne()
}

// countOne is count with the lock held.
func (s *slots) countOne() {
	if s.counted++; s.counted == s.wanted {
		close(s.over)
	}
}

// exempt records that the connection of a slot does not count.
func (s *slots) exempt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved--
	notify(&s.changed)
}

// returnSlot returns a slot for which there was no connection.
func (s *slots) returnSlot(secure bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(secure, -1)
	s.reserved--
	notify(&s.changed)
}

// release frees the slot of a connection that has ended; shaking is whether it never
// entered.
func (s *slots) release(shaking bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(shaking, -1)
	notify(&s.changed)
	notify(&s.left)
}

// notify wakes the goroutines that wait.
func notify(waiting *chan struct{}) {
	if *waiting != nil {
		close(*waiting)
		*waiting = nil
	}
}

// waiter returns the channel that notify closes. It is made on demand.
func waiter(waiting *chan struct{}) <-chan struct{} {
	if *waiting == nil {
		*waiting = make(chan struct{})
	}
	return *waiting
}

// ended returns a channel that is closed when a connection ends. returnSlot does not
// close it: it frees no descriptor.
func (s *slots) ended() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return waiter(&s.left)
}

// wait blocks until there may be a slot, or ctx ends.
func (s *slots) wait(ctx context.Context, secure bool) {
	s.mu.Lock()
	if s.free(secure) {
		s.mu.Unlock()
		return
	}
	changed := waiter(&s.changed)
	s.mu.Unlock()
	select {
	case <-changed:
	case <-ctx.Done():
	}
}

// countDatagram counts a datagram; false if wanted have been counted already.
func (s *slots) countDatagram() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted > 0 && s.reserved >= s.wanted {
		return false
	}
	s.reserved++
	s.countOne()
	return true
}
