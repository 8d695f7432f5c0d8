package conn

import (
	"net"
	"sync/atomic"
	"time"
)

// unwrap returns what s wraps, or nil. A wrapper has a method Unwrap or, as in
// crypto/tls, NetConn.
func unwrap(s any) any {
	switch outer := s.(type) {
	case interface{ Unwrap() Stream }:
		return outer.Unwrap()
	case interface{ NetConn() net.Conn }:
		return outer.NetConn()
	}
	return nil
}

// below returns the first T among s and the streams that it wraps.
func below[T any](s any) (found T, ok bool) {
	for ; s != nil && !ok; s = unwrap(s) {
		found, ok = s.(T)
	}
	return found, ok
}

// watch passes progress to the Watch methods of s and of the streams that it wraps.
func watch(s any, progress *Progress) {
	for ; s != nil; s = unwrap(s) {
		if w, ok := s.(interface{ Watch(*Progress) }); ok {
			w.Watch(progress)
		}
	}
}

// A side is one of the two streams of a conversation, with the Socket or the Stdio
// that it is or wraps; both may be nil.
type side struct {
	Stream
	name       string // in errors
	socket     *Socket
	stdio      *Stdio
	connection bool // to a peer, not our own streams
	reset      bool // close it by a RST
}

func newSide(s Stream, name string) *side {
	one := &side{Stream: s, name: name}
	one.socket, one.connection = below[*Socket](s)
	one.stdio, _ = below[*Stdio](s)
	return one
}

// alive reports whether the connection still exists. If it does after a failed send, our
// own kernel has failed.
func (s *side) alive() bool {
	socket, bare := s.Stream.(*Socket)
	return bare && socket.alive()
}

// ready reports whether input waits to be read.
func (s *side) ready() bool {
	return s.stdio != nil && s.stdio.ready() || s.socket != nil && s.socket.readable() > 0
}

// part is how many bytes of the write in progress the kernel has; 0 if a wrapper may
// have changed them.
func (s *side) part() int64 {
	if s.stdio != nil {
		return s.stdio.part.Load()
	}
	switch bare := s.Stream.(type) {
	case *Socket:
		return bare.part.Load()
	case *Datagrams:
		return bare.part.Load()
	case *DatagramListener:
		return bare.part.Load()
	}
	return 0
}

// queued is how many bytes the kernel has still to deliver to the side's peer.
func (s *side) queued() int64 {
	if s.socket == nil {
		return 0
	}
	return s.socket.queued()
}

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
	read, written atomic.Int64
	flight        flight
	state         state
	discard       atomic.Bool  // what is read is discarded
	progress      *Progress    // of the conversation
	start         time.Time    // of the conversation
	first         atomic.Int64 // when the first byte came, in nanoseconds after start; 0 is not yet
	pumped        chan step    // the pump ended; no errors if at EOF or stopped
	looks         int          // how often hungUp found pending input
	left, unsent  int64        // bytes not acknowledged, and not even sent, when the receiving side was closed
}

func (d *direction) init(from, to *side, progress *Progress, start time.Time) {
	d.from, d.to, d.progress, d.start = from, to, progress, start
	d.pumped = make(chan step, 1)
}

// arrived counts n bytes from the sending side.
func (d *direction) arrived(n int) {
	if n == 0 {
		return
	}
	d.progress.Touch()
	if d.read.Add(int64(n)) == int64(n) {
		d.first.Store(int64(time.Since(d.start)))
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

// begin marks bytes as in flight; it returns false if the pump was stopped.
func (f *flight) begin() bool { return f.bits.Or(inFlight)&stopped == 0 }

// end marks them as written; it returns false if the pump was stopped.
func (f *flight) end() bool { return f.bits.And(^inFlight)&stopped == 0 }

// stop keeps the pump from reading on. It returns true if nothing is in flight; if
// something is, the pump reports when it is written.
func (f *flight) stop() bool { return f.bits.Or(stopped)&inFlight == 0 }

// isStopped reports whether stop was called.
func (f *flight) isStopped() bool { return f.bits.Load()&stopped != 0 }
