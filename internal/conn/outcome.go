package conn

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// notDelivered is the error that the receiving side of d did not take all bytes.
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

// sendWords is how far sending in direction d came before it failed with err.
func sendWords(d *direction, err error) string {
	peer := d.to.name()
	if u, ok := errors.AsType[*sendError](err); ok && u.to != "" {
		peer = u.to
	}
	op := fmt.Sprintf("send to %s after %s", peer, ByteCount(d.read.Load()+buffered(d.from.Stream)))
	_, unix := below[*net.UnixConn](d.to.Stream)
	switch n := d.unacknowledged(); {
	case n > 0 && !(unix && errors.Is(brokenWords(err), syscall.ECONNRESET)):
		return op + fmt.Sprintf(", %d of them not delivered", n)
	case d.to.alive():
		return op // these were delivered; more was to be sent
	}
	return op + ", not all of them delivered" // a Unix peer is gone, and the count with it
}

// receiveError says how far receiving in direction d came, and what the other direction
// has not delivered.
func (c *conversation) receiveError(d *direction, err error) error {
	if KindOf(err) == Local {
		return err // a wrapper of the connection failed, not the peer
	}
	if _, ok := errors.AsType[*sendError](err); ok {
		return &Error{Why: talkKind(err), Op: sendWords(d.back, err), Err: err}
	}
	failed := ReceiveError(d.from.name(), d.read.Load(), err)
	if left := leftWords(d.back.unacknowledged(), d.back.unsentNow()); left != "" {
		failed.Op += ", " + left
	}
	return failed
}

// ReceiveError is the error that receiving from peer failed after received bytes.
func ReceiveError(peer string, received int64, err error) *Error {
	return &Error{Why: talkKind(err), Op: fmt.Sprintf("receive from %s after %s", peer, ByteCount(received)), Err: err}
}

// buffered counts the bytes that s and the streams that it wraps have read ahead, by
// their methods Buffered. It may be called while s is read.
func buffered(s Stream) (n int64) {
	for below := any(s); below != nil; below = unwrap(below) {
		if b, ok := below.(interface{ Buffered() int64 }); ok {
			n += b.Buffered()
		}
	}
	return n
}

// culprit is what ended a conversation whose receiving failed with err.
func culprit(err error) string {
	if kind := KindOf(err); kind == Local || kind == Timeout {
		return string(kind)
	}
	return "reset"
}

// leftWords is how many bytes are not known to be delivered, all and, of those,
// unsent, in words; empty is none.
func leftWords(all, unsent int64) string {
	switch {
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

// brokenWords returns ECONNRESET for a write after a reset, for which Linux returns
// EPIPE or ENOTCONN.
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

// OutputClosed reports whether standard output has lost its reader, upon which a
// command dies of SIGPIPE.
func OutputClosed(err error) bool {
	return KindOf(err) == Local && errors.Is(err, syscall.EPIPE)
}
