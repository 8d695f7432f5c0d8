package echo

import (
	"context"
	"sync"
)

// A gate counts the places of a server. A place is taken before a connection
// is, so that at most max are ever open, and at most count are ever taken.
type gate struct {
	mu       sync.Mutex
	max      int           // 0: no limit
	active   int           // places taken
	count    int64         // 0: no end
	entered  int64         // of count, those that may still turn out not to count among them
	admitted int64         // of those, connections that do count
	changed  chan struct{} // closed when a place may have become free
	gone     chan struct{} // closed when a connection has ended
	over     chan struct{} // closed when count connections have been admitted
}

func newGate(max int, count int64) *gate {
	return &gate{max: max, count: count, over: make(chan struct{})}
}

// enter takes a place if there is one.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.max > 0 && g.active >= g.max || g.count > 0 && g.entered >= g.count {
		return false
	}
	g.active++
	g.entered++
	return true
}

// admit notes that the connection at the place taken counts.
func (g *gate) admit() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.admitted++
	if g.admitted == g.count {
		close(g.over)
	}
}

// exempt notes that the connection at the place taken does not count.
func (g *gate) exempt() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.entered--
	notify(&g.changed)
}

// giveBack returns a place to which nobody came.
func (g *gate) giveBack() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.active--
	g.entered--
	notify(&g.changed)
}

// leave frees the place of a connection that has ended.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.active--
	notify(&g.changed)
	notify(&g.gone)
}

// notify wakes those who wait.
func notify(waiting *chan struct{}) {
	if *waiting != nil {
		close(*waiting)
		*waiting = nil
	}
}

// full returns a channel that is closed when a place may have become free; nil
// if there is one now.
func (g *gate) full() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if (g.max == 0 || g.active < g.max) && (g.count == 0 || g.entered < g.count) {
		return nil
	}
	return waiter(&g.changed)
}

// left returns a channel that is closed when somebody leaves; a place that is
// given back is no descriptor that has become free.
func (g *gate) left() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return waiter(&g.gone)
}

// waiter returns the channel that notify closes. It is made only if somebody waits.
func waiter(waiting *chan struct{}) <-chan struct{} {
	if *waiting == nil {
		*waiting = make(chan struct{})
	}
	return *waiting
}

// wait blocks until there may be a place, or ctx ends.
func (g *gate) wait(ctx context.Context) {
	changed := g.full()
	if changed == nil {
		return
	}
	select {
	case <-changed:
	case <-ctx.Done():
	}
}

// one counts a datagram as admitted; false if all that were asked for have been.
func (g *gate) one() bool {
	if g.count == 0 {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.entered >= g.count {
		return false
	}
	g.entered++
	g.admitted++
	if g.admitted == g.count {
		close(g.over)
	}
	return true
}
