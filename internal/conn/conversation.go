package conn

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// A conversation is a [Relay] at work. Two pumps copy and report; next, the
// coordinator, handles one event at a time.
type conversation struct {
	*Relay
	local, remote *side

	// What other goroutines report: next calls each. It is buffered for all of them, so
	// that none is left behind when Run returns.
	events chan func()

	quit, quitPeer <-chan time.Time
	waits          <-chan time.Time // Waiting is due

	over    bool
	endedBy string
	err     error
	byLimit bool // err is that of a time limit
}

func newConversation(r *Relay) *conversation {
	c := &conversation{
		Relay: r, local: newSide(r.Local, r.To), remote: newSide(r.Remote, r.Peer),
		events: make(chan func(), 8), // each direction and each clock has one at a time
	}
	c.remote.connection = true // also without a socket
	r.send.init(c.local, c.remote, &r.receive, &r.progress)
	r.receive.init(c.remote, c.local, &r.send, &r.progress)
	r.receive.discard.Store(r.SendOnly)
	if c.local.socket != nil || c.remote.socket != nil {
		r.progress.Queued = func() int64 { return c.local.queued() + c.remote.queued() }
	}
	r.progress.Start()
	watch(r.Local, &r.progress)
	watch(r.Remote, &r.progress)
	return c
}

// begin starts the pumps, the idle clock and the watcher of standard output. They end
// with ctx, or when the sockets or standard output are closed.
func (c *conversation) begin(ctx context.Context) {
	if c.RecvOnly {
		c.send.state = atEOF
	} else {
		if _, shared := below[interface{ Yield() }](c.Local); !shared && c.local.stdio != nil {
			c.local.stdio.flight = &c.send.flight
		}
		go c.pump(&c.send)
	}
	go c.pump(&c.receive)
	context.AfterFunc(ctx, c.progress.AfterIdle(c.Idle, func() {
		c.events <- func() { c.timedOut(fmt.Sprintf("no byte moved for %v (idle limit)", c.Idle)) }
	}))
	if stdio := c.local.stdio; stdio != nil && !c.SendOnly {
		time.AfterFunc(watchOutput, func() {
			if err := stdio.Gone(); err != nil {
				c.events <- func() { c.localFailed(err) }
			}
		})
	}
}

// next waits for one event and acts on it.
func (c *conversation) next(ctx context.Context) {
	select {
	case s := <-c.send.pumped:
		c.pumpEnded(&c.send, s)
	case s := <-c.receive.pumped:
		c.pumpEnded(&c.receive, s)
	case event := <-c.events:
		event()
	case <-c.quit:
		if _, waits := below[*Datagrams](c.Remote); waits && c.progress.Since() < *c.QuitAfter {
			c.quit = time.After(*c.QuitAfter - c.progress.Since()) // it only ends an output that takes nothing
		} else if c.over = true; c.send.unacknowledged() > 0 {
			c.note("timeout", c.notDelivered(&c.send, fmt.Errorf("not acknowledged %v after the end of input", *c.QuitAfter)))
		}
	case <-c.quitPeer:
		c.stopSending()
	case <-c.waits:
		if c.send.state == reading {
			c.Waiting()
		}
	case <-ctx.Done():
		c.interrupted(context.Cause(ctx))
	}
}

// settle starts the wait for acknowledgements of a direction that has ended, and ends
// the conversation when both directions are done.
func (c *conversation) settle(ctx context.Context) {
	c.awaitAcknowledgement(ctx, &c.send)
	c.awaitAcknowledgement(ctx, &c.receive)
	if c.send.state == done && (c.receive.state == done || c.endsWhenDelivered() && c.err == nil) {
		c.over = true
	}
}

// awaitAcknowledgement starts the wait for the acknowledgement of direction d once a FIN
// is sent, the other direction has ended, or the conversation ends when all is
// delivered. If both have ended and no FIN is sent yet (TLS, ShutNone), it sends the FIN.
func (c *conversation) awaitAcknowledgement(ctx context.Context, d *direction) {
	socket := d.to.socket
	ended := d.back.state >= atEOF
	if d.state != halfClosed || !ended && !(d == &c.send && c.endsWhenDelivered()) && (socket == nil || !socket.finSent.Load()) {
		return
	}
	if socket == nil {
		d.state = done
		return
	}
	d.state = awaiting
	if ended && !socket.finSent.Load() {
		_ = socket.CloseWrite() // the wait below finds out whether it failed
	}
	go func() {
		err := socket.Acknowledged(ctx)
		c.events <- func() { c.acknowledged(d, err) }
	}()
}

// pumpEnded acts on the end of a pump.
func (c *conversation) pumpEnded(d *direction, s step) {
	if d.state > reading {
		c.reportUnsent(d) // the pump was stopped while it was reading, or its socket was shut down
		return
	}
	d.state = atEOF
	if KindOf(s.readErr) == CutShort && d.discard.Load() {
		s.readErr = nil // the missing bytes would be discarded
	}
	switch {
	case s.readErr != nil:
		c.readFailed(d, s.readErr)
	case s.writeErr != nil:
		c.writeFailed(d, s.writeErr)
	case d == &c.send:
		c.endSending()
	default:
		c.endReceiving()
	}
}

// readFailed ends the conversation. The other side is reset, so that its peer does not
// take a part for the whole.
func (c *conversation) readFailed(d *direction, err error) {
	d.to.reset = true
	gone := d.from.connection && (d.from.socket == nil || !d.from.socket.alive())
	if gone && d.back.state == reading && !d.back.flight.stop() { // a write in progress returns, and then it counts
		c.awaitPump(d.back, time.Now().Add(drainMost))
	}
	if d.from.connection || d.from.given != "" { // To has no Socket if it is of datagrams
		c.fail(culprit(err), c.receiveError(d, err))
		if KindOf(err) == Local {
			c.resetUpload()
		}
		return
	}
	c.fail("local", err)
}

// writeFailed handles a failed write. A failure of our own side ends the conversation;
// after a failed write to the peer, the peer is still read.
func (c *conversation) writeFailed(d *direction, err error) {
	if KindOf(err) == Local || !d.to.connection {
		c.localFailed(err)
		return
	}
	c.note("reset", c.notDelivered(d, err))
	if _, ok := below[*DatagramPeer](d.to.Stream); ok { // the next datagram may arrive
		d.state = reading
		go c.pump(d)
		return
	}
	d.state = done // it never will be
	d.from.reset = true
	if d.to.alive() { // its peer cannot know of the failure
		d.to.reset, c.over = true, true
	}
}

// localFailed ends the conversation because Local's output has failed.
func (c *conversation) localFailed(err error) {
	c.fail("local", err)
	c.resetUpload()
}

// resetUpload marks the connection to be reset if not all input was sent.
func (c *conversation) resetUpload() {
	c.remote.reset = c.remote.reset || !c.RecvOnly && c.send.state < halfClosed
}

// endSending passes the end of Local's input on to the peer.
func (c *conversation) endSending() {
	c.send.state = atEOF
	c.reportUnsent(&c.send)
	c.ended("local")
	if c.Shutdown == ShutBoth {
		c.receive.discard.Store(true)
	}
	if c.QuitAfter != nil && *c.QuitAfter > 0 {
		c.quit = time.After(*c.QuitAfter)
	}
	c.closeWrite(&c.send)
	if c.receive.state == reading {
		c.watchHangup(&c.receive)
	}
}

// endReceiving passes the peer's end on to Local's output.
func (c *conversation) endReceiving() {
	c.ended("peer")
	if m, ok := below[*Messages](c.Remote); ok && m.got < m.Want {
		c.note("peer", c.receiveError(&c.receive, &Error{Why: Timeout, Err: fmt.Errorf("%d of %d messages, and then the end of file", m.got, m.Want)}))
	}
	if shared, ok := below[interface{ PeerEnded() }](c.Local); ok {
		shared.PeerEnded()
	}
	if c.SendOnly {
		c.receive.state = done
	} else {
		c.closeWrite(&c.receive)
	}
	switch {
	case c.RecvOnly && c.send.state == atEOF:
		c.endSending()
	case c.send.state > reading:
	case c.EndWithPeer || c.QuitAfterPeer != nil && *c.QuitAfterPeer == 0:
		c.stopSending()
	default:
		if c.QuitAfterPeer != nil && *c.QuitAfterPeer > 0 {
			c.quitPeer = time.After(*c.QuitAfterPeer)
		}
		if c.Waiting != nil {
			c.waits = time.After(inputPatience)
		}
		if !c.EndWithLocal {
			c.watchHangup(&c.send)
		}
	}
}

// closeWrite passes the end of a direction on, except the one that [ShutNone] withholds: that
// of Local's input or, with To, of what the peer sends. A wrapper of a connection may block,
// so it is called in a goroutine.
func (c *conversation) closeWrite(d *direction) {
	switch _, bare := d.to.Stream.(*Socket); {
	case c.Shutdown == ShutNone && (d == &c.send) == (c.To == ""):
		c.writeClosed(d, nil)
	case bare || !d.to.connection:
		c.writeClosed(d, d.to.CloseWrite())
	default:
		go func() {
			err := d.to.CloseWrite()
			c.events <- func() { c.writeClosed(d, err) }
		}()
	}
}

// writeClosed handles the result of CloseWrite on the receiving side of d.
func (c *conversation) writeClosed(d *direction, err error) {
	d.state = halfClosed
	switch {
	case !d.to.connection:
		d.state = done
		if err != nil {
			c.fail("local", err)
		}
	case err == nil:
	case d.to.alive():
		d.to.reset = true
		c.fail("reset", &Error{Why: NotDelivered, Op: "end the sending to " + d.to.name(), Err: err})
	case d.unacknowledged() > 0:
		d.state = done // it never will be
		c.note("reset", c.notDelivered(d, err))
	}
}

// endsWhenDelivered reports whether the conversation is over once all that was sent is
// acknowledged. [Datagrams] end by themselves, and know a refusal.
func (c *conversation) endsWhenDelivered() bool {
	if _, ends := below[*Datagrams](c.Remote); ends {
		return false
	}
	return c.SendOnly || c.EndWithLocal || c.Shutdown == ShutBoth || c.QuitAfter != nil && *c.QuitAfter == 0
}

// acknowledged handles the end of the wait for acknowledgement. If a pump has got the
// connection's errno, the pump's report has that error.
func (c *conversation) acknowledged(d *direction, err error) {
	d.state = done
	if KindOf(err) == NotDelivered && !(errors.Is(err, errSeen) && d.back.state == reading) {
		c.note("reset", c.notDelivered(d, err))
	}
}

// watchHangup reports when the receiving side of d, whose end of file has come, is
// gone. It ends when the socket is closed.
func (c *conversation) watchHangup(d *direction) {
	if socket := d.to.socket; socket != nil {
		go func() {
			if socket.Gone() == nil {
				c.events <- func() { c.hungUp(d) }
			}
		}()
	}
}

// hungUp handles a receiving side that is gone after its end of file: an end in order
// if everything sent was delivered.
func (c *conversation) hungUp(d *direction) {
	switch {
	case d.state > reading: // the wait for acknowledgement sees it
		return
	case d.looks < hangupLooks && d.from.ready():
		// A pump is about to read this input, and its write will fail: that is no
		// end in order.
		d.looks++
		time.AfterFunc(hangupPause, func() { c.events <- func() { c.hungUp(d) } })
		return
	case !d.flight.stop():
		return // the pump reports that it failed, or that nothing is in flight any more
	}
	d.arrived(d.from.waiting()) // what waits while the pump pauses counts as read
	if err := d.to.socket.deliveryError(nil); KindOf(err) == NotDelivered {
		c.note("reset", c.notDelivered(d, err))
	}
	c.reportUnsent(d)
	d.state = done
}

// stopSending ends Local's input as if at EOF; bytes already read are delivered.
func (c *conversation) stopSending() {
	if c.send.state != reading {
		return
	}
	idle := c.send.flight.stop()
	if shared, ok := below[interface{ Yield() }](c.Local); ok {
		shared.Yield()
	}
	if idle { // else the pump reports when nothing is in flight
		c.endSending()
	}
}

// reportUnsent reports bytes that were read and will not be sent, because the
// receiving side of d has ended.
func (c *conversation) reportUnsent(d *direction) {
	if d.flight.isStopped() && d.unsentNow() > 0 {
		c.note("peer", c.notDelivered(d, errors.New("the peer had ended")))
	}
}

// interrupted handles the end of the context: a signal or a deadline.
func (c *conversation) interrupted(cause error) {
	switch KindOf(cause) {
	case Timeout:
		c.timedOut(Words(cause))
	case "": // a signal, which takes precedence over earlier failures
		c.err, c.endedBy, c.over, c.byLimit = cause, "signal", true, false
		c.local.reset, c.remote.reset = false, false
	default:
		c.localFailed(cause)
	}
}

// awaitSignal waits up to hangupDelay for a signal if Local has failed with EIO: a
// terminal that goes away causes both.
func (c *conversation) awaitSignal(ctx context.Context) {
	if KindOf(c.err) != Local || !errors.Is(c.err, syscall.EIO) {
		return
	}
	select {
	case <-ctx.Done():
		c.interrupted(context.Cause(ctx))
	case <-time.After(hangupDelay):
	}
}

// fail keeps err if it is the first failure, and ends the conversation.
func (c *conversation) fail(by string, err error) {
	c.note(by, err)
	c.over = true
}

// note keeps the first failure.
func (c *conversation) note(by string, err error) {
	if c.err == nil && err != nil {
		c.err, c.endedBy = err, by
	}
}

// timedOut ends the conversation because a time limit has passed.
func (c *conversation) timedOut(words string) {
	c.byLimit = c.byLimit || c.err == nil
	c.fail("timeout", &Error{Why: Timeout, Op: c.remote.name(), Err: errors.New(words)})
}

// ended keeps which side ended first.
func (c *conversation) ended(by string) {
	if c.endedBy == "" {
		c.endedBy = by
	}
}
