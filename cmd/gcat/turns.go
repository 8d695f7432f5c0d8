package main

import (
	"io"
	"sync"

	"gcat/internal/conn"
)

// turns is standard input under -lk, which belongs to one peer at a time: to the
// first and, when that conversation is over, to the one that has waited longest,
// or the next to come. Once it is at its end, it is for all.
type turns struct {
	mu      sync.Mutex
	peers   []*turn // the first has its turn, the others wait
	source  io.Reader
	reading bool   // a read is under way, for the peer that has the turn when it returns
	buf     []byte // of that read
	chunk   []byte // what it returned, until it is taken
	whole   bool   // chunk holds a message that was not taken, even an empty one
	err     error  // how the input ended
}

// take queues a peer.
func (in *turns) take() *turn {
	t := &turn{in: in, wake: make(chan struct{}, 1)}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.peers = append(in.peers, t)
	return t
}

// first is the peer that has the turn; nil is none. The caller holds in.mu.
func (in *turns) first() *turn {
	if len(in.peers) == 0 {
		return nil
	}
	return in.peers[0]
}

// wakeAll lets every peer look again. The caller holds in.mu.
func (in *turns) wakeAll() {
	for _, t := range in.peers {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
}

// read reads once. It ends with the process if that read is never answered.
func (in *turns) read() {
	n, err := in.source.Read(in.buf)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.reading, in.chunk, in.whole, in.err = false, in.buf[:n], n > 0 || err == nil, err
	in.wakeAll()
}

// A turn is a peer's place in the queue, and standard input and output as a
// Stream for its conversation.
type turn struct {
	conn.Stream
	in   *turns
	wake chan struct{}
	over bool // nothing more is read for it; guarded by in.mu
}

// on returns the turn around standard input and output.
func (t *turn) on(s conn.Stream) conn.Stream {
	t.in.mu.Lock()
	defer t.in.mu.Unlock()
	t.Stream = s
	if t.in.source == nil {
		t.in.source, t.in.buf = s, make([]byte, 64<<10)
	}
	return t
}

// Read returns what standard input has for the peer, once it is its turn.
func (t *turn) Read(p []byte) (int, error) {
	for {
		if n, err, ready := t.poll(p); ready {
			return n, err
		}
		<-t.wake
	}
}

// poll reports whether Read can return, and what.
func (t *turn) poll(p []byte) (n int, err error, ready bool) {
	in := t.in
	in.mu.Lock()
	defer in.mu.Unlock()
	mine := in.first() == t
	switch {
	case t.over:
		return 0, io.EOF, true
	case mine && in.whole:
		n = copy(p, in.chunk)
		in.chunk = in.chunk[n:]
		in.whole = len(in.chunk) > 0
		return n, nil, true
	case in.err == io.EOF && !in.whole:
		return 0, io.EOF, true
	case mine && in.err != nil && !in.whole:
		err, in.err = in.err, io.EOF // it fails for one, and is at its end for the others
		in.wakeAll()
		return 0, err, true
	case mine && !in.reading && !in.whole:
		in.reading = true
		go in.read()
	}
	return 0, nil, false
}

// PeerEnded is called by the relay. If the peer still waits, that is all.
func (t *turn) PeerEnded() {
	t.in.mu.Lock()
	defer t.in.mu.Unlock()
	if t.in.first() != t {
		t.over = true
		t.in.wakeAll()
	}
}

// Unwrap gives access to the standard streams.
func (t *turn) Unwrap() conn.Stream { return t.Stream }

// Yield ends the turn, whether it has come or not, and lets the next begin. The
// relay calls it when it reads no more.
func (t *turn) Yield() {
	in := t.in
	in.mu.Lock()
	defer in.mu.Unlock()
	t.over = true
	in.wakeAll()
	for i, one := range in.peers {
		if one == t {
			in.peers = append(in.peers[:i:i], in.peers[i+1:]...)
			break
		}
	}
}
