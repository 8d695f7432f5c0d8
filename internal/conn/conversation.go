package conn

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"time"
)

// A conversation is a [Relay] at work. Two pumps copy and report here; next, the
// coordinator, takes one event at a time and decides.
type conversation struct {
	*Relay
	start     time.Time
	firstByte atomic.Int64 // nanoseconds after start; 0 is none yet
	taken     atomic.Int64 // bytes read from Local
	put       atomic.Int64 // bytes received that went where they belong
	discard   atomic.Bool  // nobody wants what still comes
	holder    holder

	// What the goroutines report; each channel holds all that it will ever get.
	sending    chan half  // the send pump ended
	receiving  chan half  // the receive pump ended
	shut       chan error // the sending half is shut down
	acked      chan error // everything is acknowledged, or never will be
	outputGone chan error // nobody reads Local's output any more
	peerGone   chan error // after its end of file, the peer went for good
	idle       chan error // the idle limit passed

	quit, quitPeer <-chan time.Time

	sendDone, recvDone bool // the directions have ended
	shutDone           bool // the peer was told of the end of ours
	ackWait, ackDone   bool // acknowledgement is waited for, has come
	over               bool
	reset              bool // end it by a RST
	endedBy            string
	err                error
	left, leftUnsent   int64 // bytes not acknowledged, and not even sent, when the socket was closed
	looks              int   // after the peer had left
}

// watchOutput is how long a conversation lasts before somebody watches whether
// the reader of its output leaves: most are over by then, and a watcher costs a
// thread.
const watchOutput = 10 * time.Millisecond

// peerLeftAgain is when a peer's leaving is looked at again that was told of
// while the pump had bytes in its hands.
const peerLeftAgain = 5 * time.Millisecond

// mostLooks bounds how often that is done for the sake of input that waits.
const mostLooks = 20

// watch starts what looks after a conversation from its beginning. All of it
// ends with ctx or, the watcher of the output, when that is closed.
func (c *conversation) watch(ctx context.Context) {
	if c.Idle > 0 {
		go func() { c.idle <- c.Progress.Wait(ctx, c.Idle) }()
	}
	if c.Stdio != nil && !c.SendOnly {
		time.AfterFunc(watchOutput, func() {
			if err := c.Stdio.Gone(); err != nil {
				c.outputGone <- err
			}
		})
	}
}

// next waits for one event and acts on it.
func (c *conversation) next(ctx context.Context) {
	select {
	case h := <-c.sending:
		c.sendEnded(ctx, h)
	case h := <-c.receiving:
		c.receiveEnded(ctx, h)
	case err := <-c.shut:
		c.halfClosed(ctx, err)
	case err := <-c.acked:
		c.acknowledged(err)
	case err := <-c.outputGone:
		c.fail("local", err)
	case <-c.peerGone:
		c.peerLeft()
	case err := <-c.idle:
		if err == nil {
			c.fail("timeout", c.timedOut(fmt.Sprintf("no byte moved for %v (idle limit)", c.Idle)))
		}
	case <-c.quit:
		c.quitNow()
	case <-c.quitPeer:
		c.stopSending(ctx)
	case <-ctx.Done():
		if due, ok := ctx.Deadline(); ok && time.Since(due) > punctual {
			time.Sleep(drainRead) // nobody else drains what is not a Socket
		}
		c.interrupted(context.Cause(ctx))
	}
}

// sendEnded acts on the end of the send pump.
func (c *conversation) sendEnded(ctx context.Context, h half) {
	if c.sendDone {
		c.leaveBehind() // it was stopped, and had just read some more or met the shut down socket
		return
	}
	c.sendDone = true
	switch {
	case h.from != nil:
		c.reset = true
		c.fail("local", h.from)
	case isLocal(h.to):
		c.fail("local", h.to)
	case h.to != nil:
		c.note("reset", c.notDelivered(h.to))
		if c.alive() { // nobody tells the peer but we
			c.reset, c.over = true, true
		}
		if c.recvDone {
			c.over = true
		}
	default:
		c.endSending(ctx)
	}
}

// endSending passes the end of Local's input on to the peer.
func (c *conversation) endSending(ctx context.Context) {
	c.sendDone = true
	c.leaveBehind()
	c.ended("local")
	if c.Shutdown == ShutBoth {
		c.discard.Store(true)
	}
	if c.QuitAfter != nil && *c.QuitAfter > 0 {
		c.quit = time.After(*c.QuitAfter)
	}
	_, bare := c.Remote.(*Socket)
	switch {
	case c.Shutdown == ShutNone:
		c.halfClosed(ctx, nil)
	case bare:
		c.halfClosed(ctx, c.Remote.CloseWrite())
	default: // what is wrapped around it may have to write first, and block
		go func() { c.shut <- c.Remote.CloseWrite() }()
	}
}

// halfClosed goes on once the peer was told of the end of Local's input.
func (c *conversation) halfClosed(ctx context.Context, err error) {
	c.shutDone = true
	if err != nil && c.alive() {
		c.reset = true
		c.fail("reset", &Error{Why: NotDelivered, Op: "end the sending to " + c.Peer, Err: err})
		return
	}
	if err != nil && c.unacknowledged() > 0 {
		c.note("reset", c.notDelivered(err))
		if c.recvDone {
			c.over = true
			return
		}
	}
	if c.recvDone || c.endsWhenDelivered() || c.Socket != nil && c.Socket.Ended() {
		c.awaitAcknowledgement(ctx)
	}
}

// alive reports whether a connection is as it was although sending has failed: then
// it was our own kernel that failed, and the peer would wait for more as we wait
// for it.
func (c *conversation) alive() bool {
	socket, ok := c.Remote.(*Socket)
	return ok && socket.alive()
}

// endsWhenDelivered reports whether the conversation is over once all that was
// sent is acknowledged, whatever the peer does.
func (c *conversation) endsWhenDelivered() bool {
	return c.SendOnly || c.Shutdown == ShutBoth || c.QuitAfter != nil && *c.QuitAfter == 0
}

// awaitAcknowledgement lets somebody tell when everything sent has arrived. If
// the peer has ended, too, this is the end: the connection itself is shut down,
// if it was not before (TLS, ShutNone).
func (c *conversation) awaitAcknowledgement(ctx context.Context) {
	if c.ackWait {
		return
	}
	c.ackWait = true
	if c.Socket == nil {
		c.acked <- nil
		return
	}
	if c.recvDone && !c.Socket.Ended() {
		_ = c.Socket.CloseWrite() // what it means is found out by the wait
	}
	go func() { c.acked <- c.Socket.Acknowledged(ctx) }()
}

// acknowledged acts on the news that all is delivered or cannot be any more.
func (c *conversation) acknowledged(err error) {
	c.ackDone = true
	if lost(err) {
		c.note("reset", c.notDelivered(err))
	}
	if c.recvDone || err == nil && c.endsWhenDelivered() {
		c.over = true
	}
}

// receiveEnded acts on the end of the receive pump.
func (c *conversation) receiveEnded(ctx context.Context, h half) {
	c.recvDone = true
	if e, ok := errors.AsType[*Error](h.from); ok && e.Why == CutShort && c.SendOnly {
		h.from = nil // nobody wanted what is missing
	}
	switch {
	case h.to != nil:
		c.fail("local", h.to)
		return
	case h.from != nil:
		c.countSending()
		c.fail(culprit(h.from), c.receiveError(h.from))
		return
	}
	c.ended("peer")
	if !c.SendOnly {
		if err := c.Local.CloseWrite(); err != nil {
			c.fail("local", err)
			return
		}
	}
	switch {
	case c.err != nil: // the send had failed: these were the peer's last words
		c.over = true
	case c.RecvOnly:
		c.endSending(ctx)
	case c.ackDone:
		c.over = true
	case c.shutDone:
		c.awaitAcknowledgement(ctx)
	case c.sendDone: // halfClosed goes on
	case c.EndWithPeer || c.QuitAfterPeer != nil && *c.QuitAfterPeer == 0:
		c.stopSending(ctx)
	default:
		c.waitForInput()
	}
}

// countSending lets the send pump count what it has just moved: on a connection
// that has failed it moves no more, but it may be waiting for input.
func (c *conversation) countSending() {
	if c.sendDone {
		return
	}
	select {
	case <-c.sending:
		c.sendDone = true
	case <-time.After(pumpCounts):
	}
}

// pumpCounts is how long that may take.
const pumpCounts = 10 * time.Millisecond

// waitForInput goes on sending after the peer's end, for as long as somebody may
// be there to read it.
func (c *conversation) waitForInput() {
	if c.QuitAfterPeer != nil {
		c.quitPeer = time.After(*c.QuitAfterPeer)
	}
	if c.Socket != nil {
		go func() { // ends when the socket is closed
			if err := c.Socket.Gone(); err == nil {
				c.peerGone <- nil
			}
		}()
	}
}

// stopSending ends Local's input as if it had come to its end; what was read
// from it is still delivered.
func (c *conversation) stopSending(ctx context.Context) {
	if !c.sendDone && c.holder.stop() {
		c.endSending(ctx)
	}
	// Otherwise the pump reports when its hands are empty.
}

// leaveBehind tells of what was read from Local and will not be sent, because
// the sending ended with the peer.
func (c *conversation) leaveBehind() {
	if c.holder.ended() && c.unsent() > 0 {
		c.note("peer", c.notDelivered(errors.New("the peer had ended")))
	}
}

// peerLeft acts on a peer that has ended and is now gone for good. If it has
// all that was sent, that is an end in order.
func (c *conversation) peerLeft() {
	if c.sendDone {
		return // the wait for acknowledgement meets it
	}
	if c.holder.busy() || c.inputWaits() {
		// A write to a connection that is gone does not block: the pump reports
		// that it failed, or has its hands empty in a moment.
		time.AfterFunc(peerLeftAgain, func() { c.peerGone <- nil })
		return
	}
	if c.Socket.Ended() {
		// Local has shut our half down itself, and that both halves are shut is
		// all that the kernel says: what is on its way may yet arrive.
		return
	}
	if err := c.Socket.settled(nil); lost(err) {
		c.note("reset", c.notDelivered(err))
	}
	c.holder.stop()
	c.leaveBehind()
	c.over = true
}

// inputWaits reports whether the pump is about to meet more of Local's input, or
// its end. After a while it is taken for input that nobody reads, as that of a
// listener's later peers.
func (c *conversation) inputWaits() bool {
	c.looks++
	return c.Stdio != nil && c.looks <= mostLooks && c.Stdio.ready()
}

// lost reports whether err says that bytes were not delivered.
func lost(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Why == NotDelivered
}

// quitNow acts on QuitAfter.
func (c *conversation) quitNow() {
	if c.unacknowledged() > 0 {
		c.note("timeout", c.notDelivered(fmt.Errorf("not acknowledged %v after the end of input", *c.QuitAfter)))
	}
	c.over = true
}

// interrupted acts on the end of the context: a signal or a deadline.
func (c *conversation) interrupted(cause error) {
	if e, ok := errors.AsType[*Error](cause); ok {
		if e.Why == Timeout {
			c.fail("timeout", c.timedOut(Words(e)))
		} else {
			c.fail("local", e)
		}
		return
	}
	// A signal beats all that went before.
	c.err, c.endedBy, c.over, c.reset = cause, "signal", true, false
}

// hangupDelay is how long after its terminal has failed a process may get the
// SIGHUP: the kernel sends it to the leader of the session, a shell, which
// passes it on.
const hangupDelay = 100 * time.Millisecond

// heedHangup lets a signal beat a failure of Local that the end of a terminal
// brings about, too: reads and writes may meet that (EIO) before the signal is
// there.
func (c *conversation) heedHangup(ctx context.Context) {
	if !isLocal(c.err) || !errors.Is(c.err, syscall.EIO) {
		return
	}
	select {
	case <-ctx.Done():
		c.interrupted(context.Cause(ctx))
	case <-time.After(hangupDelay):
	}
}

// fail notes what went wrong, unless something did before, and ends the
// conversation.
func (c *conversation) fail(by string, err error) {
	c.note(by, err)
	c.over = true
}

// note remembers the first failure.
func (c *conversation) note(by string, err error) {
	if c.err == nil && err != nil {
		c.err, c.endedBy = err, by
	}
}

// ended remembers which side ended first.
func (c *conversation) ended(by string) {
	if c.endedBy == "" {
		c.endedBy = by
	}
}
