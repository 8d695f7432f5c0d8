package echo

import (
	"context"
	"sync"
	"sync/atomic"

	"gcat/internal/tlsconn"
)

// A slots limits the connections of a server. A slot is taken before a connection is
// accepted, so that at most max are served at once and at most wanted of those that
// count are ever served. A TLS connection takes its slot for good after its
// handshake: peers that stall in the handshake cannot keep out others.
type slots struct {
	mu       sync.Mutex
	changed  *sync.Cond   // a slot may have become free
	max      int          // 0: no limit
	room     int          // for connections, those in a handshake included; 0: no limit
	active   int          // slots taken
	shaking  int          // connections in a TLS handshake
	wanted   int64        // 0: no end
	reserved int64        // slots taken by connections that count or may come to count
	counted  atomic.Int64 // of those, connections that do count
	over     func()       // called when wanted connections have been counted
}

func newSlots(max, room int, wanted int64, over func()) *slots {
	s := &slots{max: max, room: room, wanted: wanted, over: over}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// take takes a slot if there is one; for a TLS connection it is one for a handshake, which
// enter exchanges. The caller then calls either returnSlot, or count or exempt, and
// release when the connection has ended.
func (s *slots) take(secure bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.free(secure) {
		return false
	}
	s.add(secure, 1, 1)
	return true
}

// free reports whether there is a slot. It is called with the lock held.
func (s *slots) free(secure bool) bool {
	return s.serves() && (s.room == 0 || s.active+s.shaking < s.room) &&
		(!secure || s.shaking < tlsconn.MaxHandshakes) && (s.wanted == 0 || s.reserved < s.wanted)
}

// serves reports whether one connection more may be served.
func (s *slots) serves() bool { return s.max == 0 || s.active < s.max }

// add changes the numbers of slots taken and reserved. It is called with the lock held.
func (s *slots) add(secure bool, taken int, reserved int64) {
	if secure {
		s.shaking += taken
	} else {
		s.active += taken
	}
	s.reserved += reserved
	s.changed.Broadcast()
}

// await waits until ok, called with the lock held, returns true; false if ctx ends first.
func (s *slots) await(ctx context.Context, ok func() bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ok() { // as a rule: then nothing is registered with ctx
		return true
	}
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})()
	for !ok() {
		if ctx.Err() != nil {
			return false
		}
		s.changed.Wait()
	}
	return true
}

// wait blocks until there may be a slot, or ctx ends.
func (s *slots) wait(ctx context.Context, secure bool) {
	s.await(ctx, func() bool { return s.free(secure) })
}

// enter waits for a slot for a TLS connection whose handshake is finished; false if ctx
// ends first.
func (s *slots) enter(ctx context.Context) bool {
	return s.await(ctx, func() bool {
		if !s.serves() {
			return false
		}
		s.add(true, -1, 0)
		s.add(false, 1, 0)
		return true
	})
}

// count records that the connection of a slot counts among those wanted.
func (s *slots) count() {
	if s.counted.Add(1) == s.wanted {
		s.over()
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
	s.count()
	return true
}

// exempt records that the connection of a slot does not count.
func (s *slots) exempt() { s.change(false, 0, -1) }

// returnSlot returns a slot for which there was no connection.
func (s *slots) returnSlot(secure bool) { s.change(secure, -1, -1) }

// release frees the slot of a connection that has ended; shaking: its handshake slot was
// never exchanged.
func (s *slots) release(shaking bool) { s.change(shaking, -1, 0) }

// change is add without the lock held.
func (s *slots) change(secure bool, taken int, reserved int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(secure, taken, reserved)
}
