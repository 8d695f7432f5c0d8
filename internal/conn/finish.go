package conn

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"
)

// close ends the connections. If the conversation ended early, it first writes out
// what has been received.
func (c *conversation) close() {
	if errors.Is(c.err, syscall.EPIPE) && OutputClosed(c.err) {
		c.receive.discard.Store(true)
	}
	var drains sync.WaitGroup
	for _, d := range []*direction{&c.send, &c.receive} {
		if d.from.socket != nil && d.state == reading && !d.from.reset && !d.to.reset {
			drains.Go(func() { c.drain(d) })
		}
	}
	drains.Wait()
	c.reportUnwritten()
	for _, d := range []*direction{&c.send, &c.receive} {
		d.left = d.unacknowledged()
		d.unsent = min(max(d.unsentNow(), 0), d.left)
	}
	e, _ := errors.AsType[*Error](c.err)
	for _, s := range []*side{c.remote, c.local} {
		s.finish(e != nil && e.Why == Timeout)
	}
}

// finish resets a connection, or sends its FIN if that is not sent. After a timeout it
// sends no close_notify: not all was sent.
func (s *side) finish(clock bool) {
	switch {
	case s.socket == nil:
	case s.reset:
		_ = s.socket.Reset() // it may have been closed already
	case s.socket.finSent():
	case clock:
		_ = s.socket.CloseWrite()
	default:
		// A pump may hold the write lock of a TLS connection.
		_ = s.socket.SetWriteDeadline(time.Now().Add(drainStuck))
		_ = s.CloseWrite()
	}
}

// drain writes out what had arrived in direction d before an early end. It gives up
// when the receiving side takes nothing for drainStuck, or after drainMost.
func (c *conversation) drain(d *direction) {
	done := make(chan struct{})
	go func() { // may outlive the conversation if the receiving side blocks
		defer close(done)
		d.from.socket.Interrupt()
		if s := <-d.pumped; s.to != nil || s.from == nil {
			return
		}
		if d.from.socket.readable() == 0 {
			return
		}
		_ = d.from.socket.SetReadDeadline(time.Now().Add(drainRead))
		_, _ = io.Copy(drainer{d}, io.LimitReader(d.from, 1<<30))
	}()
	timer := time.NewTicker(drainStuck)
	defer timer.Stop()
	for end := time.Now().Add(drainMost); time.Now().Before(end); {
		select {
		case <-done:
			return
		case <-timer.C:
			if c.progress.Since() > drainStuck {
				return
			}
		}
	}
}

// A drainer writes in direction d, and counts.
type drainer struct{ d *direction }

func (w drainer) Write(p []byte) (int, error) {
	w.d.arrived(len(p))
	return w.d.write(p)
}

// reportUnwritten reports bytes that had arrived before an early end and that standard
// output did not take in time.
func (c *conversation) reportUnwritten() {
	if c.local.stdio == nil || c.remote.socket == nil || c.receive.state > reading || c.remote.reset {
		return
	}
	received := c.receive.read.Load()
	n := received - c.receive.written.Load() - c.local.stdio.part.Load()
	if n <= 0 {
		return
	}
	if c.err == nil {
		c.note("timeout", &Error{Why: Timeout, Op: "standard output",
			Err: fmt.Errorf("%d of %s received were not taken", n, ByteCount(received))})
		return
	}
	if e, ok := errors.AsType[*Error](c.err); ok && e.Why == Timeout {
		c.err = &Error{Why: e.Why, Op: e.Op, Err: fmt.Errorf("%s; standard output did not take %s of what was received", Words(e.Err), ByteCount(n))}
	}
}

// result reads all counts, then closes the sockets, which hold some of them.
func (c *conversation) result() Result {
	r := Result{
		Sent:           c.send.written.Load(),
		Received:       c.receive.read.Load(),
		Unacknowledged: c.send.left,
		Unsent:         c.send.unsent,
		Duration:       time.Since(c.start),
		FirstByte:      time.Duration(c.receive.first.Load()),
		EndedBy:        c.endedBy,
		Err:            c.err,
	}
	if c.local.socket != nil {
		r.Undelivered = c.receive.left
	}
	if d, ok := below[interface{ Dropped() int64 }](c.Remote); ok {
		r.Dropped = d.Dropped()
	}
	for _, s := range []*side{c.remote, c.local} {
		if s.socket != nil {
			_ = s.socket.Close() // it may be closed by a reset
		}
	}
	return r
}
