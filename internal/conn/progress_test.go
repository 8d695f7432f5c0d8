package conn

import (
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// stopAt makes the look that comes at that time last: the process is stopped in
// it, for as long as is said. It is in Queued because each look begins there.
func stopAt(progress *Progress, at, stopped time.Duration) {
	start := time.Now()
	progress.Queued = func() int64 {
		if time.Since(start) == at {
			time.Sleep(stopped)
		}
		return 0
	}
}

// A process that was stopped (SIGSTOP) wakes to a limit that has passed and to
// bytes that wait. A leap of time begins the limit anew; a little of it lets
// what has come be read first.
func TestRelayStopped(t *testing.T) {
	const limit = 2 * time.Second
	for _, c := range []struct {
		name        string
		at, stopped time.Duration
		moves       time.Duration // when a byte moves, after the process goes on; 0 is never
		ends        time.Duration // after the start
	}{
		{"a leap", limit, 10 * time.Second, limit / 2, 15 * time.Second},
		{"a leap, and silence", limit, 10 * time.Second, 0, 14 * time.Second},
		{"a leap before the limit", limit / 2, 10 * time.Second, limit / 2, 14 * time.Second},
		{"a little", limit, 100 * time.Millisecond, time.Millisecond, limit + 101*time.Millisecond + limit},
		{"a little, and silence", limit, 100 * time.Millisecond, 0, limit + 200*time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newTalk(t, &Relay{Idle: limit})
				stopAt(&k.relay.progress, c.at, c.stopped)
				start := time.Now()
				k.run(t.Context())
				go func() { _, _ = io.Copy(io.Discard, k.localHear) }()
				want := int64(0)
				if c.moves > 0 {
					want = 1
					time.Sleep(c.at + c.stopped + c.moves)
					_, _ = io.WriteString(k.remoteSay, "x")
				}
				r := <-k.done
				k.end()
				if got := time.Since(start); got != c.ends || r.EndedBy != "timeout" || r.Received != want {
					t.Errorf("after %v, want %v: %+v", got, c.ends, r)
				}
			})
		})
	}
}

// Bytes that wait for the peer are no movement while they stay, and are while
// they become fewer.
func TestProgressQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 16 * time.Second
		var queued atomic.Int64
		p := &Progress{Queued: queued.Load}
		p.Start()
		start := time.Now()
		done := make(chan error, 1)
		go func() { done <- p.Wait(t.Context(), limit) }()
		synctest.Wait()
		queued.Store(100) // written before, and not taken
		if err := <-done; err != nil || time.Since(start) != limit {
			t.Errorf("a queue that stays: after %v, %v", time.Since(start), err)
		}

		p.Touch()
		start = time.Now()
		go func() { done <- p.Wait(t.Context(), limit) }()
		for range 10 {
			time.Sleep(10 * time.Second)
			queued.Add(-5)
		}
		if err := <-done; err != nil || time.Since(start) < 100*time.Second+limit || time.Since(start) > 100*time.Second+limit*5/4 {
			t.Errorf("a queue that moves: after %v, %v", time.Since(start), err)
		}
	})
}

// An idle limit passes once, however short it is, and not in a pause or after stop.
func TestProgressAfterIdle(t *testing.T) {
	for _, limit := range []time.Duration{1, time.Microsecond, 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			p := new(Progress)
			p.Start()
			var expired atomic.Int32
			stop := p.AfterIdle(limit, func() { expired.Add(1) })
			if limit >= time.Second {
				time.Sleep(limit * 9 / 10)
				p.Pause()
				time.Sleep(time.Hour)
				p.Resume()
				time.Sleep(limit * 9 / 10)
				if expired.Load() != 0 {
					t.Error("the limit passed although bytes moved, or in a pause")
				}
			}
			time.Sleep(time.Hour)
			if expired.Load() != 1 {
				t.Errorf("%v: the limit passed %d times", limit, expired.Load())
			}
			stop()

			stop = p.AfterIdle(limit, func() { expired.Add(1) })
			stop()
			time.Sleep(time.Hour)
			if n := expired.Load(); n != 1 && limit >= time.Second {
				t.Error("the limit passed after stop")
			}
		})
	}
}
