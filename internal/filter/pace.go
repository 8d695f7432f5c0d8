package filter

import (
	"sync/atomic"
	"time"

	"gcat/internal/conn"

	"golang.org/x/time/rate"
)

// Interval is a [conn.Stream] with a pause between what two reads of its input return;
// with [Lines] below it, that is between lines. The pauses are not idleness.
type Interval struct {
	conn.Stream
	Pause    time.Duration
	Progress *conn.Progress

	next time.Time    // when the next read may return; zero is at once
	held atomic.Int64 // bytes that were read and wait for that
}

// Read reads, and returns when the pause is over; the end of the input does not
// wait.
func (i *Interval) Read(p []byte) (int, error) {
	n, err := i.Stream.Read(p)
	if n == 0 && err != nil {
		return n, err
	}
	if !i.next.IsZero() {
		i.held.Store(int64(n))
		pause(i.Progress, time.Until(i.next))
		i.held.Store(0)
	}
	i.next = time.Now().Add(i.Pause)
	return n, err
}

// Buffered counts the bytes that were read and wait.
func (i *Interval) Buffered() int64 { return i.held.Load() + conn.Buffered(i.Stream) }

// Rate is a [conn.Stream] whose input is read no faster than a number of bytes a
// second. It pauses before it reads, never with bytes in its hands: what it has
// read goes on at once.
type Rate struct {
	conn.Stream
	// Whole leaves the size of each read alone, as datagrams need it; otherwise
	// reads are small enough to flow evenly.
	Whole    bool
	Progress *conn.Progress

	limit *rate.Limiter
	owed  time.Duration // the pause that what was read last costs
	since time.Time     // when it was read
}

// Parts of a second's bytes that a read takes: more would come in bursts, fewer
// cost a system call for nothing.
const rateParts = 20

// NewRate returns s with its input limited to perSecond bytes a second.
func NewRate(s conn.Stream, perSecond int64, whole bool, progress *conn.Progress) *Rate {
	burst := int(min(max(perSecond/rateParts, 1), frameSize))
	if whole {
		burst = frameSize
	}
	limit := rate.NewLimiter(rate.Limit(perSecond), burst)
	limit.AllowN(time.Now(), burst) // no credit to begin with
	return &Rate{Stream: s, Whole: whole, Progress: progress, limit: limit}
}

// Read waits until what was read before is paid for, and reads.
func (r *Rate) Read(p []byte) (int, error) {
	if r.owed > 0 {
		pause(r.Progress, r.owed-time.Since(r.since))
		r.owed = 0
	}
	if !r.Whole {
		p = p[:min(len(p), r.limit.Burst())]
	}
	n, err := r.Stream.Read(p)
	if n > 0 {
		r.since = time.Now()
		r.owed = r.limit.ReserveN(r.since, n).DelayFrom(r.since)
	}
	return n, err
}

// Buffered counts what the stream has buffered.
func (r *Rate) Buffered() int64 { return conn.Buffered(r.Stream) }

// pause sleeps, and keeps the idle clock from counting that.
func pause(progress *conn.Progress, d time.Duration) {
	if d <= 0 {
		return
	}
	progress.Pause()
	defer progress.Resume()
	time.Sleep(d)
}
