package conn

import (
	"context"
	"errors"
	"testing"
	"time"
)

// broken is a Stream that panics when it is read.
type broken struct{ Stream }

func (broken) Read([]byte) (int, error) { panic("on purpose") }

// OnPanic is called when a pump panics.
func TestRelayOnPanic(t *testing.T) {
	guarded := make(chan any, 2)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	r := &Relay{
		Local: broken{}, Remote: broken{},
		OnPanic: func() { guarded <- recover() },
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Run(ctx)
	}()
	for range 2 {
		select {
		case reason := <-guarded:
			if reason != "on purpose" {
				t.Errorf("%v", reason)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("no guard")
		}
	}
	cancel(errors.New("enough"))
	<-done
}
