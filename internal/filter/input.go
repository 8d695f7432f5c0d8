package filter

import (
	"io"
	"slices"
	"sync"

	"gcat/internal/conn"
)

// An Input is an input that several conversations share. It belongs to one of them at a
// time: to the first and, when that is over, to the one that has waited longest, or the
// next. At its end, all of them read EOF, and if it fails, all get the error. The zero
// value is ready to use.
type Input struct {
	mu      sync.Mutex
	changed *sync.Cond
	turns   []*Turn // the first has the input, the others wait
	source  io.Reader
	reading bool   // a read is pending; its bytes go to the turn that is first when it returns
	buf     []byte // the buffer of that read
	chunk   []byte // bytes that were read from source and not yet from a turn
	unread  bool   // chunk has a message that was not read from a turn, even an empty one
	err     error  // the error that ended the source
}

// Queue adds a conversation to the queue.
func (in *Input) Queue() *Turn {
	t := &Turn{in: in}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.changed == nil {
		in.changed = sync.NewCond(&in.mu)
	}
	in.turns = append(in.turns, t)
	return t
}

// read reads once. It ends with that read, or with the process if there is no input.
func (in *Input) read() {
	n, err := in.source.Read(in.buf)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.reading, in.chunk, in.unread, in.err = false, in.buf[:n], n > 0 || err == nil, err
	in.changed.Broadcast()
}

// A Turn is the position of a conversation in the queue for an [Input], and the
// [conn.Stream] of the input and output for that conversation.
type Turn struct {
	conn.Stream
	in   *Input
	over bool // Read returns EOF; guarded by in.mu
}

// Wrap returns the turn as the Stream of s. The first s is the source of the input.
func (t *Turn) Wrap(s conn.Stream) conn.Stream {
	t.in.mu.Lock()
	defer t.in.mu.Unlock()
	t.Stream = s
	if t.in.source == nil {
		t.in.source, t.in.buf = s, make([]byte, 64<<10)
	}
	return t
}

// Read waits until the turn is first in the queue, and reads.
func (t *Turn) Read(p []byte) (int, error) {
	in := t.in
	in.mu.Lock()
	defer in.mu.Unlock()
	for !t.over {
		first := in.turns[0] == t
		switch {
		case first && in.unread:
			n := copy(p, in.chunk)
			in.chunk = in.chunk[n:]
			in.unread = len(in.chunk) > 0
			return n, nil
		case in.err != nil && !in.unread:
			return 0, in.err
		case first && !in.reading:
			in.reading = true
			go in.read()
		}
		in.changed.Wait()
	}
	return 0, io.EOF
}

// PeerEnded records the peer's EOF: a conversation that still waits gets no input. The
// relay calls PeerEnded.
func (t *Turn) PeerEnded() {
	t.in.mu.Lock()
	defer t.in.mu.Unlock()
	if slices.Index(t.in.turns, t) != 0 {
		t.over = true
		t.in.changed.Broadcast()
	}
}

// Yield removes the turn from the queue, first or not. The relay calls Yield when it
// reads no more.
func (t *Turn) Yield() {
	in := t.in
	in.mu.Lock()
	defer in.mu.Unlock()
	t.over = true
	in.changed.Broadcast()
	in.turns = slices.DeleteFunc(in.turns, func(other *Turn) bool { return other == t })
}
