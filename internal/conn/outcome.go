package conn

import (
	"errors"
	"fmt"
	"syscall"
)

// notDelivered says how many bytes the receiving side of d did not take, and why.
func (c *conversation) notDelivered(d *direction, err error) error {
	why := NotDelivered
	if e, ok := errors.AsType[*Error](err); ok && e.Err != nil {
		err = e.Err
		if e.Why == TLS {
			why = TLS // the peer refused us before it took anything
		}
	}
	return &Error{Why: why, Op: sendWords(d, err), Err: brokenWords(err)}
}

// sendWords is how far sending in direction d came that failed with err.
func sendWords(d *direction, err error) string {
	peer := d.to.name
	if u, ok := errors.AsType[*sendError](err); ok && u.to != "" {
		peer = u.to
	}
	op := fmt.Sprintf("send to %s after %s", peer, ByteCount(d.read.Load()+buffered(d.from.Stream)))
	switch n := d.unacknowledged(); {
	case n > 0:
		return op + fmt.Sprintf(", %d of them not delivered", n)
	case d.to.alive():
		return op // those are there, and more was to come
	}
	return op + ", not all of them delivered" // a Unix peer took the count with it
}

// receiveError says how far receiving in direction d came, what of the other
// direction was lost with it, and why.
func (c *conversation) receiveError(d *direction, err error) error {
	if isLocal(err) {
		return err // what is wrapped around the connection failed, not the peer
	}
	if _, ok := errors.AsType[*sendError](err); ok {
		return &Error{Why: talkKind(err), Op: sendWords(c.other(d), err), Err: err}
	}
	failed := ReceiveError(d.from.name, d.read.Load(), err)
	if left := leftWords(c.other(d)); left != "" {
		failed.Op += ", " + left
	}
	return failed
}

// ReceiveError says that receiving from peer failed, after so many bytes.
func ReceiveError(peer string, received int64, err error) *Error {
	return &Error{Why: talkKind(err), Op: fmt.Sprintf("receive from %s after %s", peer, ByteCount(received)), Err: err}
}

// buffered counts the bytes that s, and what it is wrapped around, have read and not
// returned: a stream that reads ahead has a method Buffered for its own. It may be
// called while s is read.
func buffered(s Stream) (n int64) {
	for below := any(s); below != nil; below = unwrap(below) {
		if b, ok := below.(interface{ Buffered() int64 }); ok {
			n += b.Buffered()
		}
	}
	return n
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

// timedOut says which clock passed, and what had not been delivered by then.
func (c *conversation) timedOut(clock string) error {
	if left := leftWords(&c.send); left != "" {
		clock += "; " + left
	}
	if left := leftWords(&c.receive); left != "" && c.local.socket != nil {
		clock += "; " + left + " to " + c.To
	}
	return &Error{Why: Timeout, Op: c.Peer, Err: errors.New(clock)}
}

// leftWords says what of d the receiving side is not known to have; empty is
// nothing.
func leftWords(d *direction) string {
	switch all, unsent := d.unacknowledged(), d.unsentNow(); {
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
// that people know: Linux returns EPIPE or ENOTCONN when the reset came before.
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

// OutputClosed reports whether err says that standard output has lost its reader,
// for which a command dies of SIGPIPE.
func OutputClosed(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Why == Local && errors.Is(e.Err, syscall.EPIPE)
}
