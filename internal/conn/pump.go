package conn

import (
	"errors"
	"io"
	"sync"
	"time"
)

// What a pump reads at a time: at first a little, so that a short conversation
// touches little memory, and more once its buffer comes back full. It is all
// that a pump ever holds.
const (
	bufferSize = 64 << 10
	bufferMost = 256 << 10
)

// A half is how one direction of a conversation ended. Both errors are nil if
// the reading side came to its end of file and all of it was written.
type half struct {
	from error // the reading side failed
	to   error // the writing side failed
}

// A step is one move of bytes from a reading to a writing side.
type step struct {
	n    int   // bytes that the writing side took
	from error // io.EOF, or the reading side failed
	to   error // the writing side failed
}

// ended turns a step that was the last into the half's outcome.
func (s step) ended() half {
	if s.from == io.EOF {
		s.from = nil
	}
	return half{s.from, s.to}
}

// send pumps Local's input to Remote, by the kernel where there is a way. It
// ends at the end of the input or when one side fails, but a read of Local that
// nobody answers may outlive the conversation.
func (c *conversation) send() {
	// Here and not in a function around it: so the first stack of a goroutine,
	// 2 KiB, is large enough for most conversations, and need not be moved.
	if c.Guard != nil {
		defer c.Guard()
	}
	way := c.outbound()
	defer way.close()
	var buf buffer
	for {
		var s step
		if way.ready() {
			s = c.moveOut(way)
		} else {
			s = c.copyOut(&buf)
			way.copied(s.n)
		}
		if s.from == errStopped {
			c.sending <- half{}
			return
		}
		if s.from != nil || s.to != nil || way.holds() == 0 && !c.holder.release() {
			c.met(s.to)
			c.sending <- s.ended()
			return
		}
	}
}

// moveOut lets the kernel move once.
func (c *conversation) moveOut(way *way) step {
	if way.stages && way.holds() == 0 && !c.holder.hold() {
		return step{from: errStopped}
	}
	held := way.holds()
	s := way.move()
	c.taken.Add(int64(s.n + way.holds() - held))
	c.sent.Add(int64(s.n))
	return s
}

// copyOut reads Local once and writes what came to Remote.
func (c *conversation) copyOut(buf *buffer) step {
	p := buf.get()
	n, err := c.Local.Read(p)
	buf.filled(n)
	if n == 0 && err != nil {
		return step{from: err}
	}
	held := c.holder.hold()
	c.taken.Add(int64(n))
	if !held {
		return step{from: errStopped}
	}
	m, werr := c.Remote.Write(p[:n])
	c.sent.Add(int64(m))
	c.Progress.Touch()
	return step{m, err, werr}
}

// receive pumps what the peer sends to Local's output, by the kernel where there
// is a way. It ends at the peer's end of file, when one side fails, or when the
// socket's reads are interrupted.
func (c *conversation) receive() {
	if c.Guard != nil {
		defer c.Guard()
	}
	way := c.inbound()
	defer way.close()
	var buf buffer
	for {
		var s step
		if way.ready() {
			s = way.move()
			c.arrived(s.n)
			c.put.Add(int64(s.n))
		} else {
			s = c.copyIn(&buf)
			way.copied(s.n)
		}
		if s.from != nil || s.to != nil {
			c.met(s.from)
			c.receiving <- s.ended()
			return
		}
	}
}

// met notes what a pump met on the socket, for whoever asks the socket later.
func (c *conversation) met(err error) {
	if c.Socket != nil {
		c.Socket.tell(err)
	}
}

// copyIn reads Remote once and puts what came where it belongs.
func (c *conversation) copyIn(buf *buffer) step {
	p := buf.get()
	n, err := c.Remote.Read(p)
	buf.filled(n)
	if n == 0 {
		return step{from: err}
	}
	c.arrived(n)
	m, werr := c.deliver(p[:n])
	return step{m, err, werr}
}

// deliver writes what was received where it belongs.
func (c *conversation) deliver(p []byte) (n int, err error) {
	if n = len(p); !c.SendOnly && !c.discard.Load() {
		n, err = c.Local.Write(p)
		c.Progress.Touch()
	}
	c.put.Add(int64(n))
	return n, err
}

// arrived counts n bytes from the peer.
func (c *conversation) arrived(n int) {
	if n == 0 {
		return
	}
	c.Progress.Touch()
	if c.received.Add(int64(n)) == int64(n) {
		c.firstByte.Store(int64(time.Since(c.start)))
	}
}

// A buffer grows when it is filled twice in a row.
type buffer struct {
	p    []byte
	full int
}

func (b *buffer) get() []byte {
	if b.p == nil {
		b.p = make([]byte, bufferSize)
	}
	if b.full >= 2 && len(b.p) < bufferMost {
		b.p = make([]byte, bufferMost)
		b.full = 0
	}
	return b.p
}

// filled notes how much of the buffer was used.
func (b *buffer) filled(n int) {
	if n < len(b.p) {
		b.full = 0
		return
	}
	b.full++
}

// errStopped says that a pump was stopped with empty hands.
var errStopped = errors.New("stopped")

// A holder says whether a pump has bytes in its hands, and lets it be stopped
// while it has none.
type holder struct {
	mu      sync.Mutex
	holding bool
	stopped bool
}

// hold reports whether the pump may go on with what it has just read.
func (h *holder) hold() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.holding = !h.stopped
	return h.holding
}

// release reports whether the pump may read on.
func (h *holder) release() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.holding = false
	return !h.stopped
}

// stop lets the pump read no more; it reports whether its hands are empty, so
// that it need not be waited for.
func (h *holder) stop() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	return !h.holding
}

// ended reports whether the pump was stopped.
func (h *holder) ended() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stopped
}

// busy reports whether the pump has bytes in its hands.
func (h *holder) busy() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.holding
}
