package conn

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// close ends the connections. If the conversation ended early, it first writes out
// what has been received.
func (c *conversation) close() {
	if OutputClosed(c.err) {
		c.receive.discard.Store(true)
	}
	var drains sync.WaitGroup
	for _, d := range []*direction{&c.send, &c.receive} {
		switch {
		case d.state != reading || d.from.reset || d.to.reset:
		case d.from.socket != nil:
			drains.Go(func() { c.drain(d) })
		case !d.discard.Load(): // datagrams that have come are written out, each whole
			most := drainMost
			if datagrams, ok := below[interface{ drain() }](d.from.Stream); ok {
				datagrams.drain()
			} else if d.flight.stop() {
				continue // nothing more is read
			} else if d == &c.send {
				most = drainRead // until what is in flight has been counted
			}
			drains.Go(func() { c.awaitPump(d, time.Now().Add(most)) })
		}
	}
	drains.Wait()
	for _, d := range []*direction{&c.send, &c.receive} {
		d.left = d.unacknowledged()
		d.unsent = min(max(d.unsentNow(), 0), d.left)
	}
	c.reportLeft()
	for _, s := range []*side{c.remote, c.local} {
		s.finish(KindOf(c.err) == Timeout)
	}
}

// finish resets a connection, or sends its FIN if that is not sent; after a timeout
// without close_notify, because not all was sent.
func (s *side) finish(timeout bool) {
	switch {
	case s.socket == nil:
	case s.reset:
		_ = s.socket.Reset() // it may have been closed already
	case s.socket.finSent.Load():
	case timeout:
		_ = s.socket.CloseWrite()
	default:
		// A pump may hold the write lock of a TLS connection.
		_ = s.socket.SetWriteDeadline(time.Now().Add(drainStuck))
		_ = s.CloseWrite()
	}
}

// drain writes out what had arrived in direction d before an early end. Once the
// receiving side takes nothing for drainStuck, or after drainMost, it only counts the
// rest.
func (c *conversation) drain(d *direction) {
	socket, end := d.from.socket, time.Now().Add(drainMost)
	most := d.read.Load() + int64(socket.readable()+bufferSize) // a wrapper may have more
	socket.Interrupt()
	s, ended := c.awaitPump(d, end)
	for before := int64(-1); ended && s.writeErr == nil && s.readErr != nil && d.read.Load() < most && d.read.Load() > before; {
		before = d.read.Load()
		socket.readArrived()
		go c.pump(d)
		s, ended = c.awaitPump(d, end)
	}
	_, bare := d.from.Stream.(*Socket)
	if ended || d.flight.stop() && !bare {
		return // if it has not ended, the pump is in a pause, and may use the wrapper
	}
	buf := make([]byte, bufferSize)
	for err := error(nil); err == nil && d.read.Load() < most; {
		var n int
		socket.readArrived()
		n, err = d.from.Read(buf)
		d.arrived(n)
	}
}

// readArrived lets reads return what has arrived, and wait for no more.
func (s *Socket) readArrived() {
	if s.readable() > 0 {
		_ = s.SetReadDeadline(time.Now().Add(drainRead))
	} else {
		s.Interrupt()
	}
}

// awaitPump waits until the pump of d has ended, until no byte has moved for drainStuck,
// or until end.
func (c *conversation) awaitPump(d *direction, end time.Time) (s step, ended bool) {
	ticker := time.NewTicker(drainStuck)
	defer ticker.Stop()
	for time.Now().Before(end) {
		select {
		case s = <-d.pumped:
			return s, true
		case <-ticker.C:
			if c.progress.Since() > drainStuck {
				return s, false
			}
		}
	}
	return s, false
}

// reportLeft adds to the error of a time limit what was not delivered by then, both
// ways. If there is no error, output that was not taken in time is one.
func (c *conversation) reportLeft() {
	unwritten := int64(0)
	if c.local.stdio != nil && c.receive.state == reading && !c.remote.reset {
		unwritten = c.receive.unsent
	}
	if c.err == nil && unwritten > 0 {
		c.note("timeout", &Error{Why: Timeout, Op: "standard output",
			Err: fmt.Errorf("%d of %s received were not taken", unwritten, ByteCount(c.receive.read.Load()))})
		return
	}
	e, ok := c.err.(*Error)
	if !c.byLimit || !ok {
		return
	}
	words := e.Err.Error()
	if left := leftWords(c.send.left, c.send.unsent); left != "" {
		words += "; " + left
	}
	if left := leftWords(c.receive.left, c.receive.unsent); left != "" && c.local.socket != nil {
		words += "; " + left + " to " + c.local.name()
	}
	if unwritten > 0 {
		words += fmt.Sprintf("; standard output did not take %s of what was received", ByteCount(unwritten))
	}
	c.err = &Error{Why: e.Why, Op: e.Op, Err: errors.New(words)}
}

// result reads all counts, then closes the sockets, which hold some of them.
func (c *conversation) result() Result {
	r := Result{
		Sent:           c.send.taken(),
		Received:       c.receive.read.Load(),
		Unacknowledged: c.send.left,
		Unsent:         c.send.unsent,
		Duration:       time.Since(c.progress.start),
		FirstByte:      time.Duration(c.receive.first.Load()),
		EndedBy:        c.endedBy,
		Err:            c.err,
	}
	if c.local.socket != nil {
		r.Undelivered = c.receive.left
	}
	for _, s := range []*side{c.remote, c.local} {
		if d, ok := below[interface{ Dropped() int64 }](s.Stream); ok {
			r.Dropped += d.Dropped()
		}
		if s.socket != nil {
			if _, ok := below[*Messages](s.Stream); ok && c.err == nil && s.socket.readable() > 0 {
				CloseInOrder(s.socket, drainRead) // they are beyond Want: close(2) would be a reset
			}
			_ = s.socket.Close() // it may be closed by a reset
		}
	}
	return r
}
