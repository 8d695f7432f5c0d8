package tty

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// A Meter shows the progress of a transfer on a terminal, in one line that it
// redraws a few times a second and erases at the end. A nil Meter shows nothing.
type Meter struct {
	// Out is the terminal.
	Out io.Writer
	// Width returns the terminal's number of columns, or 0 not to draw now; nil is 80.
	Width func() int
	// Count returns how many bytes have been sent and received so far.
	Count func() (sent, received int64)
	// Size is how many bytes there are to send; 0 is not known.
	Size int64

	mu      sync.Mutex
	began   time.Time
	samples []sample
	drawn   bool // the line is on the screen
	within  bool // the cursor is in an incomplete line of another writer
	stopped bool
}

type sample struct {
	at    time.Time
	total int64
}

const (
	meterBeat   = 200 * time.Millisecond
	meterWindow = 5 * time.Second // the rate is that of this time
)

// NewMeter returns a meter on f, which out writes to; nil if f is not a terminal, or
// one that cannot erase. A size of 0 is not known.
func NewMeter(f *os.File, out io.Writer, size int64, count func() (sent, received int64)) *Meter {
	if !IsTerminal(f) || !erases() {
		return nil
	}
	width := func() int {
		if !foreground(int(f.Fd())) {
			return 0
		}
		width, _ := window(f)
		return width
	}
	return &Meter{Out: out, Width: width, Size: size, Count: count}
}

// Start starts to draw.
func (m *Meter) Start() {
	if m == nil {
		return
	}
	m.began = time.Now()
	m.samples = []sample{{m.began, 0}}
	time.AfterFunc(meterBeat, m.beat)
}

// Stop erases the line and stops to draw. It may be called more than once.
func (m *Meter) Stop() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped = true
	m.erase()
}

// beat takes a sample, draws the line unless another writer's is incomplete, and sets
// the timer of the next beat.
func (m *Meter) beat() {
	defer OnPanic()
	sent, received := m.Count()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return
	}
	time.AfterFunc(meterBeat, m.beat)
	now := time.Now()
	m.samples = append(m.samples, sample{now, sent + received})
	for len(m.samples) > 2 && now.Sub(m.samples[1].at) >= meterWindow {
		m.samples = m.samples[1:]
	}
	columns := 80
	if m.Width != nil {
		columns = m.Width()
	}
	if columns > 0 && !m.within {
		m.drawn = true
		_, _ = io.WriteString(m.Out, "\r"+m.line(sent, received, now, columns-1)+"\x1b[K")
	}
}

// erase removes the line from the screen.
func (m *Meter) erase() {
	if m.drawn {
		m.drawn = false
		_, _ = io.WriteString(m.Out, "\r\x1b[K")
	}
}

// line returns the meter's text, without the last parts if it has more than columns.
func (m *Meter) line(sent, received int64, now time.Time, columns int) string {
	oldest := m.samples[0]
	total := sent + received
	rate := perSecond(total-oldest.total, now.Sub(oldest.at))
	parts := []string{bytesOf(sent, m.Size, received), inUnits(int64(rate)) + "/s"}
	average := "average " + inUnits(int64(perSecond(total, now.Sub(m.began)))) + "/s"
	if m.Size <= 0 {
		return fit(append(parts, clock(now.Sub(m.began)), average), columns)
	}
	left := "-:-- left"
	if rate >= 1 {
		left = clock(time.Duration(float64(max(0, m.Size-sent))/rate*float64(time.Second))) + " left"
	}
	percent := int(100 * min(1, float64(sent)/float64(m.Size)))
	return fit(append(parts, fmt.Sprintf("%3d%%", percent), left, average), columns)
}

// bytesOf returns the words for the bytes that were moved.
func bytesOf(sent, size, received int64) string {
	of := ""
	if size > 0 {
		of = " of " + inUnits(size)
	}
	switch {
	case received == 0:
		return "sent " + inUnits(sent) + of
	case sent == 0 && size <= 0:
		return "received " + inUnits(received)
	}
	return "sent " + inUnits(sent) + of + ", received " + inUnits(received)
}

// fit joins as many parts as fit into columns, and cuts the first if it is longer.
func fit(parts []string, columns int) string {
	text := parts[0]
	for _, p := range parts[1:] {
		if len(text)+2+len(p) > columns {
			break
		}
		text += "  " + p
	}
	return text[:max(0, min(len(text), columns))]
}

func perSecond(n int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// inUnits returns a number of bytes for people: "999 B", "1.50 MiB", "12.3 GiB".
func inUnits(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n), 0
	for v >= 999.5 && unit < 6 {
		v, unit = v/1024, unit+1
	}
	digits := 2
	if v >= 99.95 {
		digits = 0
	} else if v >= 9.995 {
		digits = 1
	}
	return fmt.Sprintf("%.*f %ciB", digits, v, "BKMGTPE"[unit])
}

// clock returns d as 1:05 or 2:00:00.
func clock(d time.Duration) string {
	s := int64(min(d, 359999*time.Second).Round(time.Second) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// Around returns a writer to w, which shares the screen with the meter: a write erases
// the meter, which is not drawn again until the written line is complete.
func (m *Meter) Around(w io.Writer) io.Writer {
	if m == nil {
		return w
	}
	return around{m, w}
}

type around struct {
	m *Meter
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
