package echo

import (
	"runtime"
	"sync/atomic"
	"testing"
	"weak"
)

// A reply that was held back and has been sent is not kept in memory by the clock
// that would have sent it: a flood of them would be a second's worth.
func TestHeldIsForgotten(t *testing.T) {
	s := &Server{Report: func(Event) {}, Faults: Faults{Reorder: 1}}
	p := &packets{server: s, waiting: new(atomic.Int64), send: func([]byte, *origin) error { return nil }}
	kept := 0
	var held []weak.Pointer[postponed]
	for range 100 {
		p.number++
		p.applyFaults(make([]byte, 1000), &origin{})
		held = append(held, weak.Make(p.held))
		p.number++
		p.applyFaults(make([]byte, 1000), &origin{})
	}
	runtime.GC()
	for _, one := range held {
		if one.Value() != nil {
			kept++
		}
	}
	if kept > 1 {
		t.Errorf("%d of %d replies are still in memory", kept, len(held))
	}
}
