package echo

import (
	"errors"
	"time"

	"gcat/internal/conn"
	"gcat/internal/tlsconn"
)

// finish closes the connection and reports it. The error that ended the
// conversation decides how.
func (c *connection) finish(err error) {
	cause := c.cause.Load()
	endedBy := "local"
	left := int64(0)
	failed, _ := errors.AsType[*conn.Error](err)
	if cause != nil && cause.by == "local" && failed != nil && failed.Why == conn.TLS && !errors.Is(err, tlsconn.ErrGivenUp) {
		cause = nil // the handshake had failed before, and its alert takes a moment
	}
	if cause != nil && cause.event != nil { // by this goroutine, which the end of the server waits for
		c.report(*cause.event)
	}
	switch {
	case c.forwarded != nil:
		endedBy, left = c.forwardEnd(c.forwarded), c.forwarded.Unacknowledged
	case errors.Is(err, errReset), cause != nil && cause.reset:
		_ = c.socket.Reset()
	case failed != nil && failed.Why == conn.TLS: // closed already, and its clock may have run out meanwhile
		endedBy = "reset"
		c.report(Event{Kind: Failed, Err: err})
		_ = c.socket.NetConn().Close()
	case errors.Is(err, tlsconn.ErrFault): // it is closed
		if cause != nil {
			endedBy = cause.by
		} else if c.plan.TLS == tlsconn.Stall {
			endedBy = "peer" // the server closes no such connection by itself
		}
	case cause != nil:
		endedBy = cause.by
		c.closeInOrder(cause)
	case err == nil || errors.Is(err, errDone) || errors.Is(err, errLong):
		if err == nil {
			endedBy = "peer"
		}
		c.closeInOrder(&reason{by: "local"})
	default:
		endedBy, left = "reset", c.socket.Unacknowledged()
		e := Event{Kind: Failed, Err: err}
		if failed != nil && failed.Why == conn.Timeout {
			endedBy, e = "timeout", Event{Kind: TimedOut, What: conn.Words(err)}
		} else if errors.Is(err, conn.ErrLeft) {
			endedBy = "peer"
		}
		c.report(e)
		_ = c.socket.NetConn().Close()
	}
	c.report(Event{
		Kind: Closed, Received: c.received.Load(), Sent: c.out.sent.Load(), Unacknowledged: left,
		Duration: time.Since(c.start), FirstByte: c.first, EndedBy: endedBy, TLS: c.facts,
	})
}

// closeInOrder sends the farewell if a clock or a signal ends the connection, shuts the
// sending direction down, reads what is in flight and closes, all within drainLimit.
func (c *connection) closeInOrder(why *reason) {
	c.endMu.Lock() // end has set its deadlines, and sets no more
	c.cause.CompareAndSwap(nil, why)
	c.endMu.Unlock()
	_ = c.socket.SetDeadline(time.Now().Add(drainLimit)) // it fails only on a closed connection
	if why.by != "local" {
		_ = c.out.write([]byte(c.server.Farewell))
	}
	_ = c.stream.CloseWrite() // the peer may be gone already
	if c.stream != conn.Stream(c.socket) {
		_ = c.socket.CloseWrite()
	}
	_, err := c.socket.SyscallConn()
	if err == nil && c.drain(why.idle) { // without a descriptor there is no reset
		_ = c.socket.Reset()
		return
	}
	_ = c.socket.NetConn().Close()
}

// drain reads until the peer's end of file or the deadline. After an idle limit
// nothing can be in flight: bytes that arrive once the peer's kernel has our FIN
// were written by a peer that did not read the end of file. Then it returns true,
// and the caller resets the connection so that the peer's next write fails.
func (c *connection) drain(idle bool) (late bool) {
	b := borrow()
	defer giveBack(b)
	for {
		n, err := c.socket.Read(*b)
		if n > 0 && idle && c.socket.Unacknowledged() <= 0 {
			return true
		}
		if err != nil || n == 0 {
			return false
		}
	}
}
