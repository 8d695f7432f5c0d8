package cli

import (
	"bytes"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// What is written goes on in pieces of whole lines; the end waits for a reader that
// is slow, not for one that has stopped.
func TestBehind(t *testing.T) {
	for name, test := range map[string]struct {
		pause   time.Duration // of each write
		waits   time.Duration
		written int
	}{
		"at once": {0, 0, 30}, "slow": {50 * time.Millisecond, 1500 * time.Millisecond, 30},
		"very slow": {400 * time.Millisecond, longestFlush, 12}, "never": {time.Hour, patience, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				line := strings.Repeat("x", atOnce*2/3) + "\n"
				stop := make(chan struct{})
				var written atomic.Int32
				b := &behind{sleep: time.Sleep, write: func(p []byte) (int, error) {
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
				if waited := time.Since(began).Round(100 * time.Millisecond); waited < test.waits || waited > test.waits+patience {
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
		false: "x: first\nx: 2 log lines were left out: they were not read\nx: last\n",
		true:  `"text":"2 log lines were left out: they were not read"`,
	} {
		out := &full{}
		l := &Log{Name: "x", Out: out, JSON: json}
		l.Infof(0, "first")
		out.full = true
		l.Infof(0, "second")
		l.Infof(0, "third")
		out.full = false
		l.Infof(0, "last")
		if got := out.String(); !strings.Contains(got, want) || strings.Contains(got, "third") {
			t.Errorf("%s", got)
		}
	}
	b := &behind{sleep: time.Sleep, write: func(p []byte) (int, error) { return 0, errors.New("broken") }}
	if _, err := b.Write(make([]byte, mostBehind+1)); !errors.Is(err, errLeftOut) {
		t.Error(err)
	}
	if _, err := b.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	b.flush()
}

type full struct {
	bytes.Buffer
	full bool
}

func (f *full) Write(p []byte) (int, error) {
	if f.full {
		return 0, errLeftOut
	}
	return f.Buffer.Write(p)
}
