package echo

import (
	"context"
	"sync"
)

// A slots limits the connections of a server. A slot is taken before a connection is
// accepted, so that at most max are open at once and at most wanted of those that
// count are ever served.
type slots struct {
	mu       sync.Mutex
	max      int           // 0: no limit
	active   int           // slots taken
	wanted   int64         // 0: no end
	reserved int64         // slots taken by connections that count or may come to count
	counted  int64         // of those, connections that do count
	changed  chan struct{} // closed when a slot may have become free
	left     chan struct{} // closed when a connection has ended
	over     chan struct{} // closed when wanted connections have been counted
}

func newSlots(max int, wanted int64) *slots {
	return &slots{max: max, wanted: wanted, over: make(chan struct{})}
}

// take takes a slot if there is one.
func (s *slots) take() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.free() {
		return false
	}
	s.active++
	s.reserved++
	return true
}

// free reports whether there is a slot. It is called with the lock held.
func (s *slots) free() bool {
	return (s.max == 0 || s.active < s.max) && (s.wanted == 0 || s.reserved < s.wanted)
}

// count notes that the connection of a slot counts.
func (s *slots) count() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counted++
	if s.counted == s.wanted {
		close(s.over)
	}
}

// exempt notes that the connection of a slot does not count.
func (s *slots) exempt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved--
	notify(&s.changed)
}

// giveBack returns a slot for which there was no connection.
func (s *slots) giveBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
	s.reserved--
	notify(&s.changed)
}

// release frees the slot of a connection that has ended.
func (s *slots) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
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

// full returns a channel that is closed when a slot may have become free; nil if
// there is one now.
func (s *slots) full() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free() {
		return nil
	}
	return waiter(&s.changed)
}

// ended returns a channel that is closed when a connection ends. giveBack does not
// close it: it frees no descriptor.
func (s *slots) ended() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return waiter(&s.left)
}

// wait blocks until there may be a slot, or ctx ends.
func (s *slots) wait(ctx context.Context) {
	changed := s.full()
	if changed == nil {
		return
	}
	select {
	case <-changed:
	case <-ctx.Done():
	}
}

// one counts a datagram; false if wanted have been counted already.
func (s *slots) one() bool {
	if s.wanted == 0 {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reserved >= s.wanted {
		return false
	}
	s.reserved++
	s.counted++
	if s.counted == s.wanted {
		close(s.over)
	}
	return true
}
