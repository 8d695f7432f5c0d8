package conn

import (
	"io"
	"net"
	"sync/atomic"
)

// A Stream is one side of a conversation. CloseWrite ends what is written to it
// and leaves its reading half alone, as shutdown(2) with SHUT_WR does.
type Stream interface {
	io.Reader
	io.Writer
	CloseWrite() error
}

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
	given      string // its name, unless it has moved
	socket     *Socket
	stdio      *Stdio
	connection bool // to a peer, not our own streams
	reset      bool // close it by a RST
}

func newSide(s Stream, name string) *side {
	one := &side{Stream: s, given: name}
	one.socket, one.connection = below[*Socket](s)
	one.stdio, _ = below[*Stdio](s)
	return one
}

// name is the side's name in errors.
func (s *side) name() string {
	if d, ok := below[*Datagrams](s.Stream); ok && d.moved() {
		return EndpointOf(d.Conn().RemoteAddr()).Address()
	}
	return s.given
}

// alive reports whether the connection still exists. If it does after a failed send, our
// own kernel has failed.
func (s *side) alive() bool {
	socket, bare := s.Stream.(*Socket)
	return bare && socket.alive()
}

// bufferSize is the size of the buffer that the side is read into at first: a message is
// read whole, or it would be passed on as several.
func (s *side) bufferSize() int {
	if m, ok := below[interface{ longest() int }](s.Stream); ok {
		return m.longest()
	}
	return bufferSize
}

// ready reports whether input waits to be read.
func (s *side) ready() bool {
	return s.stdio != nil && s.stdio.ready() || s.socket != nil && s.socket.readable() > 0
}

// waiting is how many bytes wait to be read, by this conversation alone; 0 under TLS,
// where they may be a close_notify.
func (s *side) waiting() int {
	switch c, _ := below[interface{ NetConn() net.Conn }](s.Stream); {
	case s.stdio != nil && s.stdio.flight != nil:
		return s.stdio.readable()
	case s.socket != nil && c.NetConn() == s.socket.Conn:
		return s.socket.readable()
	}
	return 0
}

// part is how many bytes of the write in progress the kernel has; 0 if a wrapper may
// have changed them, or the write may be another conversation's.
func (s *side) part() int64 {
	if s.stdio != nil {
		return s.stdio.taking()
	}
	if bare, ok := s.Stream.(interface{ taking() int64 }); ok {
		return bare.taking()
	}
	return 0
}

// A meter is what the relay knows of a write in progress.
type meter struct {
	progress *Progress    // nil, or touched whenever bytes move
	part     atomic.Int64 // bytes that the kernel has taken of the write
}

// Watch makes m touch the conversation's progress. It is called before the pumps start.
func (m *meter) Watch(progress *Progress) { m.progress = progress }

// wrote notes that the kernel has taken n bytes of the write in progress.
func (m *meter) wrote(n int) {
	m.part.Store(int64(n))
	m.progress.Touch()
}

func (m *meter) taking() int64 { return m.part.Load() }

// queued is how many bytes the kernel has still to deliver to the side's peer.
func (s *side) queued() int64 {
	if s.socket == nil {
		return 0
	}
	return s.socket.queued()
}
