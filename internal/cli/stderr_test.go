package cli

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// What is written goes on in pieces of whole lines; the end waits for a reader that
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
				line := strings.Repeat("x", maxWrite*2/3) + "\n"
				stop := make(chan struct{})
				var written atomic.Int32
				b := &backgroundWriter{sleep: time.Sleep, write: func(p []byte) (int, error) {
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

// What does not fit is left out, and counted in a line of its own.
func TestLogLost(t *testing.T) {
	for json, want := range map[bool]string{
		false: "x: 2 lines were left out here: they were not read\nx: last\n",
		true:  `"text":"2 lines were left out here: they were not read"`,
	} {
		var out bytes.Buffer
		read, begun := make(chan struct{}), make(chan struct{}, 9)
		b := &backgroundWriter{sleep: time.Sleep, write: func(p []byte) (int, error) {
			begun <- struct{}{}
			<-read
			return out.Write(p)
		}}
		l := &Log{Name: "x", Out: b, JSON: json, stderr: b}
		l.Infof(0, "first")
		<-begun
		for range 2 {
			if _, err := b.Write(make([]byte, maxPending)); err != nil { // one fits
				t.Error(err)
			}
		}
		l.Infof(0, "second")
		close(read)
		b.flush()
		l.Infof(0, "last")
		l.end()
		if got := strings.Trim(out.String(), "\x00"); !strings.Contains(got, want) || strings.Contains(got, "second") {
			t.Errorf("%q", got)
		}
	}
}
