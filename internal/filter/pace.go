package filter

import (
	"math"
	"time"

	"gcat/internal/conn"
)

// Interval is a [conn.Stream] that returns lines at least Pause apart. It wraps [Lines],
// or a stream of messages. The pauses do not count as idle time.
type Interval struct {
	conn.Stream
	readAhead
	Pause time.Duration
	// Messages makes each Read of the stream one message; otherwise a line that several
	// Reads return has no pause within it.
	Messages bool
	progress *conn.Progress

	next time.Time // when the next Read may return; zero is at once
}

// Read reads, and returns when the pause is over; it returns EOF at once.
func (i *Interval) Read(p []byte) (int, error) {
	n, err := i.Stream.Read(p)
	if n == 0 && err != nil {
		return n, err
	}
	i.bytes.Store(int64(n))
	pause(i.progress, time.Until(i.next))
	i.bytes.Store(0)
	i.next = time.Time{}
	if i.Messages || n > 0 && p[n-1] == '\n' {
		i.next = time.Now().Add(i.Pause)
	}
	return n, err
}

// Rate is a [conn.Stream] that is read at no more than a number of bytes a second.
// It pauses before a read, and returns what it has read at once.
type Rate struct {
	conn.Stream
	Pacer
	// Messages makes each Read of the stream one message; otherwise reads are small,
	// so that the flow is even.
	Messages bool
	progress *conn.Progress
}

var _ conn.Paced = (*Rate)(nil)

// Read waits until the rate allows another read, and reads.
func (r *Rate) Read(p []byte) (int, error) {
	r.Wait()
	if !r.Messages {
		p = p[:min(len(p), r.Piece())]
	}
	n, err := r.Stream.Read(p)
	r.Add(n)
	return n, err
}

// Wait waits until the rate allows another read.
func (r *Rate) Wait() { pause(r.progress, r.Delay()) }

// pause sleeps for d with the idle clock stopped.
func pause(progress *conn.Progress, d time.Duration) {
	if d <= 0 {
		return
	}
	progress.Pause()
	defer progress.Resume()
	time.Sleep(d)
}

// A Pacer keeps a rate. A sleep may end later than asked, by more time than a small
// piece takes; several pieces may then be sent without a sleep.
type Pacer struct {
	// PerSecond is the rate in bytes; 0 is no limit.
	PerSecond int64

	due time.Time // when the bytes so far should have been sent
}

const (
	// shortestPause is the shortest sleep; a shorter one is inexact.
	shortestPause = 2 * time.Millisecond
	// maxCatchUp is the most lost time that is made up for. It bounds the burst after
	// an idle period.
	maxCatchUp = 50 * time.Millisecond
	// piecesPerSecond is enough for an even flow; more pieces cost system calls.
	piecesPerSecond = 50
)

// Piece returns how many bytes may be sent at once.
func (p *Pacer) Piece() int {
	if p.PerSecond == 0 {
		return math.MaxInt
	}
	return int(max(p.PerSecond/piecesPerSecond, 1))
}

// Delay returns how long to wait before the next piece.
func (p *Pacer) Delay() time.Duration {
	if d := time.Until(p.due); p.PerSecond > 0 && d >= shortestPause {
		return d
	}
	return 0
}

// Add records that n bytes were read or sent.
func (p *Pacer) Add(n int) {
	if p.PerSecond == 0 || n == 0 {
		return
	}
	now := time.Now()
	if p.due.IsZero() {
		p.due = now
	}
	if least := now.Add(-maxCatchUp); p.due.Before(least) {
		p.due = least
	}
	p.due = p.due.Add(time.Duration(float64(n) / float64(p.PerSecond) * float64(time.Second)))
}
