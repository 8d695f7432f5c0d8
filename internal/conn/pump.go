package conn

import (
	"io"
	"sync"
	"time"
)

// bufferSize is what a pump reads at most at a time, and all that it holds.
const bufferSize = 64 << 10

// A half is how one direction of a conversation ended. Both errors are nil if
// the reading side came to its end of file and all of it was written.
type half struct {
	from error // the reading side failed
	to   error // the writing side failed
}

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

// busy reports whether the pump has bytes in its hands.
func (h *holder) busy() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.holding
}

// send pumps Local's input to Remote. It ends at the end of the input or when
// one side fails, but a read of Local that nobody answers may outlive the
// conversation.
func (c *conversation) send() {
	buf := make([]byte, bufferSize)
	var h half
	for {
		n, err := c.Local.Read(buf)
		if n > 0 || err == nil {
			if !c.holder.hold() {
				return
			}
			c.taken.Add(int64(n))
			m, werr := c.Remote.Write(buf[:n])
			c.sent.Add(int64(m))
			c.Progress.Touch()
			if werr != nil {
				h.to = werr
				c.sending <- h
				return
			}
		}
		if err == io.EOF || !c.holder.release() {
			c.sending <- h
			return
		}
		if err != nil {
			h.from = err
			c.sending <- h
			return
		}
	}
}

// receive pumps what the peer sends to Local's output. It ends at the peer's
// end of file, when one side fails, or when the socket's reads are interrupted.
func (c *conversation) receive() {
	buf := make([]byte, bufferSize)
	var h half
	for {
		n, err := c.Remote.Read(buf)
		if n > 0 {
			c.arrived(n)
			if _, werr := c.put(buf[:n]); werr != nil {
				h.to = werr
				c.receiving <- h
				return
			}
		}
		if err != nil {
			if err != io.EOF {
				h.from = err
			}
			c.receiving <- h
			return
		}
	}
}

// put writes what was received where it belongs.
func (c *conversation) put(p []byte) (int, error) {
	if c.SendOnly || c.discard.Load() {
		return len(p), nil
	}
	n, err := c.Local.Write(p)
	c.Progress.Touch()
	return n, err
}

// arrived counts n bytes from the peer.
func (c *conversation) arrived(n int) {
	c.Progress.Touch()
	if c.received.Add(int64(n)) == int64(n) {
		c.firstByte.Store(int64(time.Since(c.start)))
	}
}
