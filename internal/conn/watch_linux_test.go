package conn

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"time"
)

// One call watches the reader of standard output: a listener's, or that of the only
// conversation. CloseWrite ends it.
func TestStdioGone(t *testing.T) {
	for name, leave := range map[string]func(s *Stdio, reader *os.File){
		"reader leaves": func(_ *Stdio, reader *os.File) { _ = reader.Close() },
		"output ends":   func(s *Stdio, _ *os.File) { _ = s.CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			reader, out, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			defer out.Close()
			stdio := &Stdio{Out: out}
			gone := make(chan error, 1)
			go func() { gone <- stdio.Gone() }()
			for watched := false; !watched; time.Sleep(time.Millisecond) {
				stdio.mu.Lock()
				watched = stdio.woken != nil
				stdio.mu.Unlock()
			}
			if err := stdio.Gone(); err != nil {
				t.Errorf("the second call: %v", err)
			}
			leave(stdio, reader)
			if err := <-gone; (name == "reader leaves") != errors.Is(err, syscall.EPIPE) {
				t.Error(err)
			}
			if err := stdio.CloseWrite(); err != nil {
				t.Error(err)
			}
			if err := stdio.Gone(); err != nil {
				t.Errorf("after the end: %v", err)
			}
		})
	}
}

// What one of several conversations writes to their output is not counted in another.
func TestStdioShared(t *testing.T) {
	reader, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	shared := &Stdio{Out: out, KeepOpen: true}
	written := make(chan error, 1)
	go func() {
		_, err := shared.Write(make([]byte, 1<<20))
		written <- err
	}()
	for shared.part.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	other := newConversation(&Relay{Local: shared, Remote: &Stdio{}})
	if n := other.receive.taken(); n != 0 {
		t.Errorf("%d bytes of another conversation count as taken", n)
	}
	_ = reader.Close()
	if err := <-written; !errors.Is(err, syscall.EPIPE) {
		t.Error(err)
	}
}
