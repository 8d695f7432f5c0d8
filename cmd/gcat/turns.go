package main

import (
	"io"
	"sync"

	"gcat/internal/conn"
)

// turns is standard input under -lk. It goes to one peer at a time: to the first and,
// when that conversation is over, to the peer that has waited longest, or the next to
// connect. At its end, all peers read EOF.
type turns struct {
	mu      sync.Mutex
	peers   []*turn // the first has its turn, the others wait
	source  io.Reader
	reading bool   // a read is pending; its bytes go to the peer that has the turn when it returns
	buf     []byte // the buffer of that read
	chunk   []byte // bytes that were read and not yet taken
	whole   bool   // chunk holds a message that was not taken, even an empty one
	err     error  // the error that ended the input
}

// take adds a peer to the queue.
func (in *turns) take() *turn {
	t := &turn{in: in, wake: make(chan struct{}, 1)}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.peers = append(in.peers, t)
	return t
}

// first returns the peer that has the turn; nil is none. The caller holds in.mu.
func (in *turns) first() *turn {
	if len(in.peers) == 0 {
		return nil
	}
	return in.peers[0]
}

// wakeAll makes every peer poll again. The caller holds in.mu.
func (in *turns) wakeAll() {
	for _, t := range in.peers {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
}

// read reads once. It ends with that read, or with the process if there is no input.
func (in *turns) read() {
	n, err := in.source.Read(in.buf)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.reading, in.chunk, in.whole, in.err = false, in.buf[:n], n > 0 || err == nil, err
	in.wakeAll()
}

// A turn is a peer's position in the queue, and the Stream of standard input and output
// for its conversation.
type turn struct {
	conn.Stream
	in   *turns
	wake chan struct{}
	over bool // Read returns EOF; guarded by in.mu
}

// on sets the standard streams of the turn, and returns it as their Stream.
func (t *turn) on(s conn.Stream) conn.Stream {
	t.in.mu.Lock()
	defer t.in.mu.Unlock()
	t.Stream = s
	if t.in.source == nil {
		t.in.source, t.in.buf = s, make([]byte, 64<<10)
	}
	return t
}

// Read waits for the peer's turn, and reads from standard input.
func (t *turn) Read(p []byte) (int, error) {
	for {
		if n, err, ready := t.poll(p); ready {
			return n, err
		}
		<-t.wake
	}
}

// poll returns the result of Read if it is ready.
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
		err, in.err = in.err, io.EOF // one peer gets the error, the others EOF
		in.wakeAll()
		return 0, err, true
	case mine && !in.reading && !in.whole:
		in.reading = true
		go in.read()
	}
	return 0, nil, false
}

// PeerEnded records the peer's EOF. A peer that still waits for its turn gets no input.
// The relay calls PeerEnded.
func (t *turn) PeerEnded() {
	t.in.mu.Lock()
	defer t.in.mu.Unlock()
	if t.in.first() != t {
		t.over = true
		t.in.wakeAll()
	}
}

// Unwrap returns the standard streams.
func (t *turn) Unwrap() conn.Stream { return t.Stream }

// Yield ends the turn, even if it has not begun, and the next peer's turn begins. The
// relay calls Yield when it reads no more.
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
