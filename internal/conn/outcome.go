package conn

import (
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"
)

// unacknowledged counts the bytes read from Local that the peer is not known to
// have: held back, in a pump's hands, in our kernel, or on the way.
func (c *conversation) unacknowledged() int64 {
	left := c.unsent()
	if c.Socket != nil {
		left += min(c.Socket.Unacknowledged(), c.sent.Load())
	}
	return left
}

// unsent counts the bytes read from Local that our kernel does not have.
func (c *conversation) unsent() int64 {
	sent := c.sent.Load() // before the others: it never overtakes them
	return c.taken.Load() + Buffered(c.Local) - sent
}

// notDelivered says how many bytes the peer did not take, and why.
func (c *conversation) notDelivered(err error) error {
	why := NotDelivered
	if e, ok := errors.AsType[*Error](err); ok && e.Err != nil {
		err = e.Err
		if e.Why == TLS {
			why = TLS // the peer refused us before it took anything
		}
	}
	return &Error{Why: why, Op: c.sendWords(err), Err: brokenWords(err)}
}

// sendWords is how far sending came that failed with err.
func (c *conversation) sendWords(err error) string {
	peer := c.Peer
	if u, ok := errors.AsType[*sendError](err); ok && u.to != "" {
		peer = u.to
	}
	op := fmt.Sprintf("send to %s after %s", peer, ByteCount(c.taken.Load()+Buffered(c.Local)))
	switch n := c.unacknowledged(); {
	case n > 0:
		return op + fmt.Sprintf(", %d of them not delivered", n)
	case c.alive():
		return op // those are there, and more was to come
	}
	return op + ", not all of them delivered" // a Unix peer took the count with it
}

// receiveError says how far receiving came, what of ours was lost with it, and
// why.
func (c *conversation) receiveError(err error) error {
	if isLocal(err) {
		return err // what is wrapped around the connection failed, not the peer
	}
	if _, ok := errors.AsType[*sendError](err); ok {
		return &Error{Why: talkKind(err), Op: c.sendWords(err), Err: err}
	}
	failed := ReceiveError(c.Peer, c.received.Load(), err)
	if left := c.leftWords(); left != "" {
		failed.Op += ", " + left
	}
	return failed
}

// ReceiveError says that receiving from peer failed, after so many bytes.
func ReceiveError(peer string, received int64, err error) *Error {
	return &Error{Why: talkKind(err), Op: fmt.Sprintf("receive from %s after %s", peer, ByteCount(received)), Err: err}
}

// Buffered counts the bytes that s, and what it is wrapped around, have read and
// not returned: a stream that reads ahead has a method Buffered that says so. It
// may be called while s is read.
func Buffered(s Stream) int64 {
	if b, ok := s.(interface{ Buffered() int64 }); ok {
		return b.Buffered()
	}
	return 0
}

// isLocal reports whether err is of our own side.
func isLocal(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Why == Local
}

// culprit is what ended a conversation whose receiving failed with err.
func culprit(err error) string {
	switch e, _ := errors.AsType[*Error](err); {
	case isLocal(err):
		return "local"
	case e != nil && e.Why == Timeout:
		return "timeout"
	}
	return "reset"
}

// timedOut says which clock passed, and what it left behind.
func (c *conversation) timedOut(clock string) error {
	if left := c.leftWords(); left != "" {
		clock += "; " + left
	}
	return &Error{Why: Timeout, Op: c.Peer, Err: errors.New(clock)}
}

// leftWords says what of ours the peer is not known to have; empty is nothing.
func (c *conversation) leftWords() string {
	switch all, unsent := c.unacknowledged(), c.unsent(); {
	case all <= 0:
		return ""
	case unsent <= 0:
		return ByteCount(all) + " sent but not acknowledged"
	case unsent >= all:
		return ByteCount(all) + " not sent"
	default:
		return ByteCount(all) + " not delivered"
	}
}

// brokenWords gives the error of a write to a connection that is gone the name
// that people know: Linux says EPIPE or ENOTCONN when the reset came before.
func brokenWords(err error) error {
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ENOTCONN) {
		return syscall.ECONNRESET
	}
	return err
}

// ByteCount is n in words: "1 byte", "2 bytes".
func ByteCount(n int64) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}

// OutputClosed reports whether err says that nobody reads standard output any
// more, for which a command dies of SIGPIPE.
func OutputClosed(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Why == Local && errors.Is(e.Err, syscall.EPIPE)
}

// How long an early end gives what has already arrived to be written out.
const (
	drainRead  = 20 * time.Millisecond  // for the kernel to hand it over
	drainStuck = 100 * time.Millisecond // for Local's output to take a part of it
	drainMost  = 2 * time.Second        // in all
)

// close ends the connection. An early end first drains what is there.
func (c *conversation) close() {
	if c.Socket == nil {
		c.countLeft()
		return
	}
	if !c.recvDone && !c.reset {
		c.drain()
		c.leaveUnwritten()
	}
	c.countLeft()
	if c.reset {
		_ = c.Socket.Reset() // it may have been closed already
		return
	}
	if !c.Socket.Ended() {
		// A pump may hold the write lock of a TLS connection.
		_ = c.Socket.SetWriteDeadline(time.Now().Add(drainStuck))
		_ = c.Remote.CloseWrite()
	}
}

// countLeft counts what of ours is left.
func (c *conversation) countLeft() {
	c.left = c.unacknowledged()
	c.leftUnsent = min(max(c.unsent(), 0), c.left)
}

// drain writes out what had arrived when the conversation was ended early, and
// waits no longer for Local's output than it moves.
func (c *conversation) drain() {
	if errors.Is(c.err, syscall.EPIPE) && OutputClosed(c.err) {
		c.discard.Store(true)
	}
	done := make(chan struct{})
	go func() { // left behind if Local's output is stuck
		defer close(done)
		c.Socket.Interrupt()
		if h := <-c.receiving; h.to != nil || h.from == nil {
			return
		}
		if c.Socket.Readable() == 0 {
			return
		}
		_ = c.Socket.SetReadDeadline(time.Now().Add(drainRead))
		_, _ = io.Copy(drainer{c}, io.LimitReader(c.Remote, 1<<30))
	}()
	timer := time.NewTicker(drainStuck)
	defer timer.Stop()
	for end := time.Now().Add(drainMost); time.Now().Before(end); {
		select {
		case <-done:
			return
		case <-timer.C:
			if c.Progress.Since() > drainStuck {
				return
			}
		}
	}
}

// leaveUnwritten tells of what had arrived before an early end, and standard output
// did not take in time.
func (c *conversation) leaveUnwritten() {
	if c.Stdio == nil {
		return
	}
	n := c.received.Load() - c.put.Load() - c.Stdio.part.Load()
	if n <= 0 {
		return
	}
	if c.err == nil {
		c.note("timeout", &Error{Why: Timeout, Op: "standard output",
			Err: fmt.Errorf("%d of %s received were not taken", n, ByteCount(c.received.Load()))})
		return
	}
	if e, ok := errors.AsType[*Error](c.err); ok && e.Why == Timeout {
		c.err = &Error{Why: e.Why, Op: e.Op, Err: fmt.Errorf("%s; standard output did not take %s of what was received", Words(e.Err), ByteCount(n))}
	}
}

// A drainer puts what was received where it belongs.
type drainer struct{ c *conversation }

func (d drainer) Write(p []byte) (int, error) {
	d.c.arrived(len(p))
	return d.c.deliver(p)
}

// result sums the conversation up and closes the socket, whose counts are gone
// with it.
func (c *conversation) result() Result {
	r := Result{
		Sent:           c.sent.Load(),
		Received:       c.received.Load(),
		Unacknowledged: c.left,
		Unsent:         c.leftUnsent,
		Duration:       time.Since(c.start),
		FirstByte:      time.Duration(c.firstByte.Load()),
		EndedBy:        c.endedBy,
		Err:            c.err,
	}
	if c.Socket != nil {
		_ = c.Socket.Close() // it may be closed by a reset
	}
	return r
}
