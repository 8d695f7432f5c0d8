package tty

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A glass is a terminal's one line as a person sees it.
type glass struct {
	mu   sync.Mutex
	line []byte
	seen []string // each state of it
}

func (g *glass) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for rest := p; len(rest) > 0; {
		switch {
		case bytes.HasPrefix(rest, []byte("\x1b[K")):
			rest = rest[3:]
		case rest[0] == '\r', rest[0] == '\n':
			g.line, rest = g.line[:0], rest[1:]
		default:
			g.line, rest = append(g.line, rest[0]), rest[1:]
		}
	}
	g.seen = append(g.seen, string(g.line))
	return len(p), nil
}

func (g *glass) last() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return string(g.line)
}

func wide() int { return 80 }

func TestMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tenth = 104858 // of a MiB
		var g glass
		var sent, width atomic.Int64
		width.Store(100)
		m := &meter{out: &g, size: 1000 * tenth, width: func() int { return int(width.Load()) }, count: func() (int64, int64) { return sent.Load(), 0 }}
		m.start()
		time.Sleep(meterBeat / 4) // not at the same moments as the beats
		for range 100 {           // ten seconds at 1 MiB/s
			sent.Add(tenth)
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		if got := g.last(); got != "sent 10 MiB of 100 MiB, received 0 B  1 MiB/s  1m30s left" {
			t.Errorf("got %q", got)
		}
		for range 200 { // twenty seconds at 3 MiB/s: the rate follows
			sent.Add(3 * tenth)
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		if got := g.last(); got != "sent 70 MiB of 100 MiB, received 0 B  3 MiB/s  10s left" {
			t.Errorf("got %q", got)
		}
		width.Store(20)
		time.Sleep(meterBeat)
		synctest.Wait()
		if got := g.last(); got != "sent 70 MiB of 100 " {
			t.Errorf("in 20 columns: %q", got)
		}
		time.Sleep(30 * time.Second) // nothing moves
		width.Store(100)
		time.Sleep(meterBeat)
		synctest.Wait()
		if got := g.last(); got != "sent 70 MiB of 100 MiB, received 0 B  0 B/s" {
			t.Errorf("got %q", got)
		}
		m.stop()
		m.stop()
		if got := g.last(); got != "" {
			t.Errorf("left behind: %q", got)
		}
		for _, line := range g.seen {
			if len(line) > 99 {
				t.Errorf("%d columns: %q", len(line), line)
			}
		}
	})
}

// What is over before the first beat leaves nothing at all.
func TestMeterShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g glass
		m := &meter{out: &g, width: wide, count: func() (int64, int64) { return 1, 1 }}
		m.start()
		m.stop()
		if len(g.seen) > 0 {
			t.Errorf("%q", g.seen)
		}
		Restore() // without a meter
		if w := Around(&g); w != &g {
			t.Errorf("%v", w)
		}
	})
}

// Other output does not run into the meter, nor the meter into it.
func TestMeterAround(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		m := &meter{out: &out, width: wide, count: func() (int64, int64) { return 0, 2048 }}
		w := around{m, &out}
		m.start()
		time.Sleep(meterBeat)
		synctest.Wait()
		for _, text := range []string{"half a ", "line\n"} {
			if _, err := w.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * meterBeat / 2)
			synctest.Wait()
		}
		m.stop()
		const line = "\rsent 0 B, received 2 KiB  "
		got := out.String()
		first, rest, _ := strings.Cut(got, "\r\x1b[Khalf a line\n")
		if !strings.HasPrefix(first, line) || !strings.HasPrefix(rest, line) || !strings.HasSuffix(rest, "\r\x1b[K") {
			t.Errorf("%q", got)
		}
	})
}

func TestInUnits(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 1023 << 10: "0.999 MiB", 12345678: "11.8 MiB", 999 << 20: "999 MiB", 1 << 62: "4 EiB"} {
		if got := inUnits(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
