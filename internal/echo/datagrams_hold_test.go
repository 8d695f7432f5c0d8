package echo

import (
	"runtime"
	"testing"
	"weak"

	"gcat/internal/conn"
)

// A reply that was held back and has been sent is not kept in memory by the clock
// that would have sent it: a flood of them would be a second's worth.
func TestHeldIsForgotten(t *testing.T) {
	s := &Server{Report: func(Event) {}, Faults: Faults{Reorder: 1}}
	l := &lane{p: s.newPackets(Socket{}), send: func([]byte, *conn.Sender) error { return nil }}
	kept := 0
	var held []weak.Pointer[postponed]
	for range 100 {
		l.number++
		l.applyFaults(make([]byte, 1000), new(conn.Sender))
		held = append(held, weak.Make(l.held))
		l.number++
		l.applyFaults(make([]byte, 1000), new(conn.Sender))
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
