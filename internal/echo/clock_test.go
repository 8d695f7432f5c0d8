package echo

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// clockOf starts a clock whose expiries are counted.
func clockOf(idle, deadline time.Duration, queued *atomic.Int64) (c *clock, idles, deadlines *atomic.Int32) {
	c, idles, deadlines = new(clock), new(atomic.Int32), new(atomic.Int32)
	c.Queued = queued.Load
	c.start(idle, deadline, func(what string, _ time.Duration) {
		if what == "idle" {
			idles.Add(1)
		} else {
			deadlines.Add(1)
		}
	})
	return c, idles, deadlines
}

// at waits until a time since the beginning, and a moment more.
func at(began time.Time, d time.Duration) {
	time.Sleep(time.Until(began.Add(d)) + time.Microsecond)
	synctest.Wait()
}

func TestClockIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c, idles, _ := clockOf(10*time.Second, 0, new(atomic.Int64))
		at(began, 9*time.Second)
		c.Touch()
		at(began, 18*time.Second)
		if idles.Load() != 0 {
			t.Error("expired although bytes moved")
		}
		at(began, 19*time.Second+time.Millisecond)
		if idles.Load() != 1 {
			t.Errorf("%d expiries at the limit", idles.Load())
		}
		at(began, time.Hour)
		if idles.Load() != 1 {
			t.Errorf("%d expiries in all", idles.Load())
		}
		c.stop()
	})
}

// A pause of our own is not idleness; the limit begins anew behind it.
func TestClockPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c, idles, _ := clockOf(10*time.Second, 0, new(atomic.Int64))
		c.Pause()
		at(began, time.Minute)
		c.Resume()
		at(began, time.Minute+9*time.Second)
		if idles.Load() != 0 {
			t.Error("expired in a pause")
		}
		at(began, time.Minute+11*time.Second)
		if idles.Load() != 1 {
			t.Error("did not expire after the pause")
		}
		c.stop()
	})
}

// What the kernel delivers moves, too, without a write; what it does not
// deliver does not.
func TestClockQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var queued atomic.Int64
		queued.Store(1000)
		c, idles, _ := clockOf(8*time.Second, 0, &queued)
		for range 10 {
			time.Sleep(3 * time.Second)
			queued.Add(-100)
		}
		synctest.Wait()
		if idles.Load() != 0 {
			t.Error("expired although the peer took bytes")
		}
		queued.Store(5)
		at(began, time.Minute)
		if idles.Load() != 1 {
			t.Error("did not expire although the queue stood still")
		}
		c.stop()
	})
}

func TestClockChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c, idles, deadlines := clockOf(0, time.Minute, new(atomic.Int64))
		at(began, 30*time.Second)
		c.setIdle(2 * time.Second)
		at(began, 31*time.Second)
		c.setIdle(5 * time.Second)
		at(began, 35*time.Second)
		if idles.Load() != 0 {
			t.Error("the old limit still held")
		}
		at(began, 36*time.Second+time.Millisecond)
		if idles.Load() != 1 {
			t.Error("the new limit did not hold")
		}
		c.setIdle(0)
		at(began, 59*time.Second)
		if idles.Load() != 1 || deadlines.Load() != 0 {
			t.Errorf("%d and %d expiries", idles.Load(), deadlines.Load())
		}
		at(began, time.Hour)
		if deadlines.Load() != 1 {
			t.Errorf("%d expiries of the deadline", deadlines.Load())
		}
		c.stop()
	})
}

// A client over a pipe: the farewell comes at the limit, in fake time.
func TestClientClock(t *testing.T) {
	for _, s := range []*Server{{Idle: time.Minute, Farewell: "bye"}, {Idle: time.Minute, Farewell: "bye", Lines: true}} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			var timeouts atomic.Int32
			s.Report = func(e Event) {
				if e.Kind == TimedOut {
					timeouts.Add(1)
				}
			}
			peer := serveOne(t, s)
			at(began, 50*time.Second)
			exchange(t, peer, "hello\n", "hello\n")
			at(began, 109*time.Second)
			if timeouts.Load() != 0 {
				t.Error("timed out too early")
			}
			if got := remains(t, peer); got != "bye" {
				t.Errorf("got %q", got)
			}
			if d := time.Since(began); d < 110*time.Second || d > 111*time.Second {
				t.Errorf("closed after %v", d)
			}
		})
	}
}

// A peer that never reads is dropped after the limit, too.
func TestClientClockWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := &Server{Idle: 10 * time.Second}
		peer := serveOne(t, s)
		if _, err := peer.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		at(began, 12*time.Second)
		if _, err := peer.Write([]byte("y")); err == nil {
			t.Error("it is still there")
		}
	})
}
