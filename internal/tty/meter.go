package tty

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A meter shows the progress of a transfer on a terminal, in one line that it
// redraws a few times a second and erases at the end.
type meter struct {
	out   io.Writer                     // the terminal
	width func() int                    // its number of columns; 0 is not to draw now
	count func() (sent, received int64) // the bytes so far
	size  int64                         // how many there are to send; 0 is not known

	mu      sync.Mutex
	at      time.Time // of the last beat
	total   int64     // bytes until then
	rate    float64   // bytes a second, of the last seconds
	drawn   bool      // the line is on the screen
	within  bool      // the cursor is in an incomplete line of another writer
	stopped bool
}

// meterBeat is the time between two drawings, so that a person can read them.
const meterBeat = 200 * time.Millisecond

// running is the process's meter; nil if there is none.
var running atomic.Pointer[meter]

// StartMeter shows the progress of a transfer on f, which out writes to, until [Restore],
// if f is a terminal, and one that can erase. A size of 0 is not known.
func StartMeter(f *os.File, out io.Writer, size int64, count func() (sent, received int64)) {
	if !IsTerminal(f) || !erases() {
		return
	}
	width := func() int {
		if !foreground(int(f.Fd())) {
			return 0
		}
		width, _ := window(f)
		return width
	}
	m := &meter{out: out, width: width, size: size, count: count}
	m.start()
	running.Store(m)
}

// start starts to draw.
func (m *meter) start() {
	m.at = time.Now()
	time.AfterFunc(meterBeat, m.beat)
}

// stop erases the line and stops to draw. It may be called more than once.
func (m *meter) stop() {
	if m == nil {
		return
	}
	briefly(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.stopped = true
		m.erase()
	})
}

// beat measures the rate, draws the line unless another writer's is incomplete, and sets
// the timer of the next beat.
func (m *meter) beat() {
	defer OnPanic()
	sent, received := m.count()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return
	}
	time.AfterFunc(meterBeat, m.beat)
	m.measure(sent + received)
	if columns := m.width(); columns > 0 && !m.within {
		m.drawn = true
		line := m.line(sent, received)
		_, _ = io.WriteString(m.out, "\r"+line[:min(len(line), columns-1)]+"\x1b[K")
	}
}

// measure follows the rate: a tenth of it is that of the last beat, which else would change
// faster than a person reads.
func (m *meter) measure(total int64) {
	now := time.Now()
	rate := float64(total-m.total) / max(now.Sub(m.at), 1).Seconds()
	if m.total > 0 {
		rate = m.rate + (rate-m.rate)/10
	}
	m.at, m.total, m.rate = now, total, rate
}

// erase removes the line from the screen.
func (m *meter) erase() {
	if m.drawn {
		m.drawn = false
		_, _ = io.WriteString(m.out, "\r\x1b[K")
	}
}

// line returns the meter's text.
func (m *meter) line(sent, received int64) string {
	of, left := "", ""
	if m.size > 0 {
		of = " of " + inUnits(m.size)
	}
	if m.size > 0 && m.rate >= 1 {
		seconds := min(float64(max(0, m.size-sent))/m.rate, 99*3600)
		left = fmt.Sprintf("  %v left", time.Duration(seconds)*time.Second)
	}
	return fmt.Sprintf("sent %s%s, received %s  %s/s%s", inUnits(sent), of, inUnits(received), inUnits(int64(m.rate)), left)
}

// inUnits returns a number of bytes for people: "999 B", "1.5 MiB", "12.3 GiB".
func inUnits(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n), 0
	for v >= 999.5 && unit < 6 {
		v, unit = v/1024, unit+1
	}
	return fmt.Sprintf("%.3g %ciB", v, "BKMGTPE"[unit])
}

// Around returns a writer to w, which shares the screen with the meter, if there is one: a
// write erases the meter, which is not drawn again until the written line is complete.
func Around(w io.Writer) io.Writer {
	if m := running.Load(); m != nil {
		return around{m, w}
	}
	return w
}

type around struct {
	m *meter
	w io.Writer
}

func (a around) Write(p []byte) (int, error) {
	a.m.mu.Lock()
	defer a.m.mu.Unlock()
	a.m.erase()
	if len(p) > 0 {
		a.m.within = p[len(p)-1] != '\n'
	}
	return a.w.Write(p)
}
