package cli

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Each write is passed on as a whole; the end waits for a reader that
// is slow, not for one that has stopped.
func TestBackgroundWriter(t *testing.T) {
	for name, test := range map[string]struct {
		pause   time.Duration // of each write
		waits   time.Duration
		written int
	}{
		"at once": {0, 0, 30}, "slow": {50 * time.Millisecond, 1500 * time.Millisecond, 30},
		"very slow": {400 * time.Millisecond, flushLimit, 12}, "never": {time.Hour, flushIdle, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				line := strings.Repeat("x", 3000) + "\n"
				stop := make(chan struct{})
				var written atomic.Int32
				late := func(d time.Duration) { time.Sleep(d + time.Millisecond) } // on a busy machine
				b := &backgroundWriter{sleep: late, write: func(p []byte) (int, error) {
					select {
					case <-time.After(test.pause):
						if string(p) != line {
							t.Errorf("%d bytes", len(p))
						}
						written.Add(1)
					case <-stop:
					}
					return len(p), nil
				}}
				for range 30 {
					if _, err := b.Write([]byte(line)); err != nil {
						t.Error(err)
					}
				}
				began := time.Now()
				b.flush()
				if waited := time.Since(began).Round(100 * time.Millisecond); waited < test.waits || waited > test.waits+flushIdle {
					t.Errorf("%v", waited)
				}
				if written := int(written.Load()); written != test.written && name != "very slow" {
					t.Errorf("%d lines", written)
				}
				close(stop)
			})
		})
	}
}

// What does not fit is dropped as a whole; small writes count with the memory they take.
func TestBackgroundWriterFull(t *testing.T) {
	for _, size := range []int{1, maxPending - overhead} {
		var out bytes.Buffer
		read, begun := make(chan struct{}), make(chan struct{}, maxPending)
		b := &backgroundWriter{sleep: time.Sleep, write: func(p []byte) (int, error) {
			begun <- struct{}{}
			<-read
			return out.Write(p)
		}}
		_, _ = b.Write([]byte("first"))
		<-begun
		fit := maxPending / (size + overhead)
		for range 2 * fit {
			if n, err := b.Write(make([]byte, size)); n != size || err != nil {
				t.Error(n, err)
			}
		}
		close(read)
		b.flush()
		if got := out.Len(); got != len("first")+fit*size {
			t.Errorf("of %d writes of %d bytes %d bytes were written", 2*fit, size, got)
		}
	}
}
