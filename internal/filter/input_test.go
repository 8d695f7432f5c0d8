package filter

import (
	"errors"
	"io"
	"testing"

	"gcat/internal/conn"
)

// An input that fails is no end for the conversations that wait for it, or that come
// later.
func TestInputFails(t *testing.T) {
	source, say := io.Pipe()
	var in Input
	failed := errors.New("it failed")
	got := make(chan error, 2)
	for range 2 {
		turn := in.Queue().Wrap(&piped{Reader: source})
		go func() {
			_, err := turn.Read(make([]byte, 1))
			got <- err
		}()
	}
	say.CloseWithError(failed)
	for range 2 {
		if err := <-got; err != failed {
			t.Errorf("one that was there got %v", err)
		}
	}
	if _, err := in.Queue().Wrap(&piped{Reader: source}).Read(make([]byte, 1)); err != failed {
		t.Errorf("a later one got %v", err)
	}
}

// piped is a [conn.Stream] that is only read.
type piped struct {
	io.Reader
	conn.Stream
}

func (p *piped) Read(b []byte) (int, error) { return p.Reader.Read(b) }
