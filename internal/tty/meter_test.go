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

func TestMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tenth = 104858 // of a MiB
		var g glass
		var sent, width atomic.Int64
		width.Store(100)
		m := &Meter{Out: &g, Size: 1000 * tenth, Width: func() int { return int(width.Load()) }, Count: func() (int64, int64) { return sent.Load(), 0 }}
		m.Start()
		time.Sleep(meterBeat / 4) // not at the same moments as the beats
		for range 100 {           // ten seconds at 1 MiB/s
			sent.Add(tenth)
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		const want = "sent 10.0 MiB of 100 MiB  1.00 MiB/s   10%  1:30 left  average 1.00 MiB/s"
		if got := g.last(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		for range 100 { // ten seconds at 4 MiB/s: the rate follows, the average lags
			sent.Add(4 * tenth)
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		if got := g.last(); got != "sent 50.0 MiB of 100 MiB  4.00 MiB/s   50%  0:13 left  average 2.50 MiB/s" {
			t.Errorf("got %q", got)
		}
		width.Store(40)
		time.Sleep(meterBeat)
		synctest.Wait()
		if got := g.last(); got != "sent 50.0 MiB of 100 MiB  3.84 MiB/s" {
			t.Errorf("in 40 columns: %q", got)
		}
		m.Stop()
		m.Stop()
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
		m := &Meter{Out: &g, Count: func() (int64, int64) { return 1, 1 }}
		m.Start()
		m.Stop()
		if len(g.seen) > 0 {
			t.Errorf("%q", g.seen)
		}
		var none *Meter
		none.Start()
		none.Stop()
		if w := none.Around(&g); w != &g {
			t.Errorf("%v", w)
		}
	})
}

// Other output does not run into the meter, nor the meter into it.
func TestMeterAround(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		m := &Meter{Out: &out, Count: func() (int64, int64) { return 0, 2048 }}
		w := m.Around(&out)
		m.Start()
		time.Sleep(meterBeat)
		synctest.Wait()
		for _, text := range []string{"half a ", "line\n"} {
			if _, err := w.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * meterBeat / 2)
			synctest.Wait()
		}
		m.Stop()
		const line = "\rreceived 2.00 KiB  "
		got := out.String()
		first, rest, _ := strings.Cut(got, "\r\x1b[Khalf a line\n")
		if !strings.HasPrefix(first, line) || !strings.HasPrefix(rest, line) || !strings.HasSuffix(rest, "\r\x1b[K") {
			t.Errorf("%q", got)
		}
	})
}

func TestInUnits(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.00 KiB", 1536: "1.50 KiB", 1023 << 10: "1.00 MiB", 12345678: "11.8 MiB", 999 << 20: "999 MiB", 1 << 62: "4.00 EiB"} {
		if got := inUnits(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{0: "0:00", 65 * time.Second: "1:05", 2 * time.Hour: "2:00:00", 1 << 62: "99:59:59"} {
		if got := clock(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
