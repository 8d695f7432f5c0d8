package conn

import (
	"sync/atomic"
	"time"
)

// A state is how far a direction has come. It only grows, except that a direction to a
// [DatagramPeer] goes on after a failed write.
type state int

const (
	reading    state = iota // its pump runs
	atEOF                   // its pump has ended: at EOF, stopped, or by a failure
	halfClosed              // our FIN (TLS: close_notify) is sent
	awaiting                // waits until everything sent is acknowledged
	done                    // everything sent is acknowledged, or never will be
)

// A direction is the flow of bytes from one side to the other.
type direction struct {
	from, to      *side
	back          *direction // the opposite one
	read, written atomic.Int64
	flight        flight
	state         state
	discard       atomic.Bool  // what is read is discarded
	progress      *Progress    // of the conversation
	first         atomic.Int64 // when the first byte came, in nanoseconds after the conversation began; 0 is not yet
	pumped        chan step    // the pump ended; no errors if at EOF or stopped
	looks         int          // how often hungUp found pending input
	left, unsent  int64        // bytes not acknowledged, and not even sent, when the receiving side was closed
}

func (d *direction) init(from, to *side, back *direction, progress *Progress) {
	d.from, d.to, d.back, d.progress = from, to, back, progress
	d.pumped = make(chan step, 1)
}

// arrived counts n bytes from the sending side.
func (d *direction) arrived(n int) {
	if n == 0 {
		return
	}
	d.progress.Touch()
	if d.read.Add(int64(n)) == int64(n) {
		d.first.Store(int64(time.Since(d.progress.start)))
	}
}

// write writes to the receiving side, or discards.
func (d *direction) write(p []byte) (n int, err error) {
	if n = len(p); !d.discard.Load() {
		n, err = d.to.Write(p)
		d.progress.Touch()
	}
	d.written.Add(int64(n))
	return n, err
}

// taken counts the bytes that the receiving side's kernel has.
func (d *direction) taken() int64 { return d.written.Load() + d.to.part() }

// unsentNow counts the bytes read that the receiving side's kernel does not have.
func (d *direction) unsentNow() int64 {
	taken := d.taken() // first: it never exceeds the others
	return d.read.Load() + buffered(d.from.Stream) - taken
}

// unacknowledged counts the bytes read that the receiving side is not known to have:
// buffered, in flight in a pump or our kernel, or on the network.
func (d *direction) unacknowledged() int64 {
	left := d.unsentNow()
	if d.to.socket != nil {
		left += min(d.to.socket.Unacknowledged(), d.taken())
	}
	return left
}

// A flight records whether a pump has bytes in flight, and stops the pump when it has
// none.
type flight struct{ bits atomic.Uint32 }

const (
	inFlight uint32 = 1 << iota
	stopped
)

// begin marks bytes as in flight, if they are not marked yet; it returns false if the pump
// was stopped before.
func (f *flight) begin() bool { return f.bits.Or(inFlight) != stopped }

// end marks them as written; it returns false if the pump was stopped.
func (f *flight) end() bool { return f.bits.And(^inFlight)&stopped == 0 }

// stop keeps the pump from reading on. It returns true if nothing is in flight; if
// something is, the pump reports when it is written.
func (f *flight) stop() bool { return f.bits.Or(stopped)&inFlight == 0 }

// isStopped reports whether stop was called.
func (f *flight) isStopped() bool { return f.bits.Load()&stopped != 0 }
