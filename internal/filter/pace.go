package filter

import (
	"math"
	"sync/atomic"
	"time"

	"gcat/internal/conn"
)

// Interval is a [conn.Stream] with a pause between what two reads of its input return;
// with [Lines] below it, that is between lines. The pauses are not idleness.
type Interval struct {
	conn.Stream
	Pause    time.Duration
	progress *conn.Progress

	next    time.Time    // when the next read may return; zero is at once
	pending atomic.Int64 // bytes that were read and wait for that
}

// Read reads, and returns when the pause is over; EOF does not wait.
func (i *Interval) Read(p []byte) (int, error) {
	n, err := i.Stream.Read(p)
	if n == 0 && err != nil {
		return n, err
	}
	if !i.next.IsZero() {
		i.pending.Store(int64(n))
		pause(i.progress, time.Until(i.next))
		i.pending.Store(0)
	}
	i.next = time.Now().Add(i.Pause)
	return n, err
}

// Buffered counts the bytes that were read and wait for the pause.
func (i *Interval) Buffered() int64 { return i.pending.Load() }

// Rate is a [conn.Stream] whose input is read no faster than a number of bytes a
// second. It pauses before it reads: what was read is returned at once.
type Rate struct {
	conn.Stream
	Pacer
	// Whole leaves the size of each read alone, as datagrams need it; otherwise
	// reads are small enough to flow evenly.
	Whole    bool
	progress *conn.Progress
}

var _ conn.Paced = (*Rate)(nil)

// Read waits until what was read before is paid for, and reads.
func (r *Rate) Read(p []byte) (int, error) {
	r.Pause()
	if !r.Whole {
		p = p[:min(len(p), r.Piece())]
	}
	n, err := r.Stream.Read(p)
	r.Pay(n)
	return n, err
}

// Pause waits until what was read is paid for.
func (r *Rate) Pause() { pause(r.progress, r.Wait()) }

// pause sleeps; the idle clock stands still meanwhile.
func pause(progress *conn.Progress, d time.Duration) {
	if d <= 0 {
		return
	}
	progress.Pause()
	defer progress.Resume()
	time.Sleep(d)
}

// A Pacer keeps to a rate. A sleep ends late, by more than what a small piece takes:
// several pieces go together, and the next sleeps are shorter.
type Pacer struct {
	// PerSecond is the rate in bytes; 0 is no limit.
	PerSecond int64

	paid time.Time // when the bytes so far are paid for
}

const (
	shortestPause = 2 * time.Millisecond
	// mostArrears bounds what is made up for: after a silence, a burst is this long.
	mostArrears = 50 * time.Millisecond
	// piecesPerSecond are enough to flow evenly; more cost system calls.
	piecesPerSecond = 50
)

// Piece is how many bytes may go at once.
func (p *Pacer) Piece() int {
	if p.PerSecond == 0 {
		return math.MaxInt
	}
	return int(max(p.PerSecond/piecesPerSecond, 1))
}

// Wait returns how long to wait before more may go.
func (p *Pacer) Wait() time.Duration {
	if d := time.Until(p.paid); p.PerSecond > 0 && d >= shortestPause {
		return d
	}
	return 0
}

// Pay notes that n bytes went.
func (p *Pacer) Pay(n int) {
	if p.PerSecond == 0 || n == 0 {
		return
	}
	now := time.Now()
	if p.paid.IsZero() {
		p.paid = now
	}
	if least := now.Add(-mostArrears); p.paid.Before(least) {
		p.paid = least
	}
	p.paid = p.paid.Add(time.Duration(float64(n) / float64(p.PerSecond) * float64(time.Second)))
}
