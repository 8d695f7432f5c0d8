package filter

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gcat/internal/conn"
)

// clocked notes when its reads returned.
type clocked struct {
	conn.Stream
	start time.Time
	at    []time.Duration
	sizes []int
}

func (c *clocked) drain() {
	buf := make([]byte, maxMessage)
	for {
		n, err := c.Stream.Read(buf)
		if n > 0 {
			c.at = append(c.at, time.Since(c.start))
			c.sizes = append(c.sizes, n)
		}
		if err == io.EOF {
			c.at = append(c.at, time.Since(c.start))
			return
		}
	}
}

func TestInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		progress := new(conn.Progress)
		progress.Start()
		c := &clocked{Stream: &Interval{Stream: &Lines{Stream: newPieces("a\nb\nc\n")}, Pause: time.Minute, progress: progress}, start: time.Now()}
		go func() {
			time.Sleep(90 * time.Second)
			if idle := progress.Since(); idle != 0 {
				t.Errorf("idle for %v during the pause", idle)
			}
		}()
		c.drain()
		// The end of the input does not wait.
		for i, want := range []time.Duration{0, time.Minute, 2 * time.Minute, 2 * time.Minute} {
			if c.at[i] != want {
				t.Errorf("read %d at %v, want %v", i, c.at[i], want)
			}
		}
	})
}

// A line that is too long for one Read is still one line; a message need not be a line.
func TestIntervalLongLine(t *testing.T) {
	for _, test := range []struct {
		stream *Interval
		want   time.Duration
	}{
		{&Interval{Stream: &Lines{Stream: newPieces(strings.Repeat("x", 3*maxMessage) + "\nb\n")}}, time.Minute},
		{&Interval{Stream: &Blocks{Stream: newPieces("xxyyzz"), Size: 2}, Messages: true}, 2 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			test.stream.Pause, test.stream.progress = time.Minute, new(conn.Progress)
			test.stream.progress.Start()
			c := &clocked{Stream: test.stream, start: time.Now()}
			c.drain()
			if took := c.at[len(c.at)-1]; took != test.want {
				t.Errorf("it took %v, want %v", took, test.want)
			}
		})
	}
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		progress := new(conn.Progress)
		progress.Start()
		for _, perSecond := range []int64{1, 7, 1000, 100_000, 1 << 30} {
			total := min(10*perSecond, 200_000)
			c := &clocked{Stream: &Rate{Stream: newPieces(strings.Repeat("x", int(total))), Pacer: Pacer{PerSecond: perSecond}, progress: progress}, start: time.Now()}
			c.drain()
			took := c.at[len(c.at)-1]
			want := time.Duration(float64(total) / float64(perSecond) * float64(time.Second))
			if took < want-time.Millisecond || took > want+50*time.Millisecond {
				t.Errorf("%d bytes at %d a second took %v, want %v", total, perSecond, took, want)
			}
			if c.at[0] != 0 {
				t.Errorf("the first bytes waited %v", c.at[0])
			}
			if largest := int64(c.sizes[0]); largest > max(perSecond/piecesPerSecond, 1) {
				t.Errorf("a burst of %d bytes at %d a second", largest, perSecond)
			}
		}
	})
}

// A datagram is not cut, whatever the rate.
func TestRateMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		progress := new(conn.Progress)
		progress.Start()
		c := &clocked{Stream: &Rate{Stream: newPieces(strings.Repeat("x", 50_000), "y"), Pacer: Pacer{PerSecond: 10_000}, Messages: true, progress: progress}, start: time.Now()}
		c.drain()
		if len(c.sizes) != 2 || c.sizes[0] != 50_000 || c.at[1] != 5*time.Second {
			t.Errorf("%v at %v", c.sizes, c.at)
		}
	})
}

// A rate is kept with pieces of any size, although every sleep is longer than it
// was to be, and after a pause nothing is made up for.
func TestPacer(t *testing.T) {
	for _, piece := range []int{1, 100, 5000} {
		synctest.Test(t, func(t *testing.T) {
			const rate, total = 20_000, 40_000
			p := Pacer{PerSecond: rate}
			for range 2 {
				began := time.Now()
				for sent := 0; sent < total; sent += piece {
					if d := p.Delay(); d > 0 {
						time.Sleep(d + time.Millisecond)
					}
					p.Add(piece)
				}
				due := time.Second * (total - time.Duration(piece)) / rate
				if took := time.Since(began); took < due-2*maxCatchUp || took > due+2*maxCatchUp {
					t.Errorf("pieces of %d: %v, want %v", piece, took, due)
				}
				time.Sleep(10 * time.Second)
			}
		})
	}
}
