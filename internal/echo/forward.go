package echo

import (
	"context"
	"errors"
	"io"

	"gcat/internal/conn"
	"gcat/internal/filter"
)

// A Target is where connections are forwarded to. Only faults add, change or lose
// bytes.
type Target struct {
	// Name is the endpoint as it is reported.
	Name string
	// Dial connects to it.
	Dial func(ctx context.Context) (conn.Stream, error)
	// Down applies the faults of sending to what the client receives, Up to what it
	// sends.
	Down, Up bool
	// Unbounded lets a datagram peer beyond the loopback get more bytes than it has
	// sent.
	Unbounded bool
}

// The directions of a forwarded connection, as they are reported.
const (
	down = "down" // to the client
	up   = "up"
)

// faulted is the direction of the faults, or the first of both; empty without a target.
func (t *Target) faulted() string {
	switch {
	case t == nil:
		return ""
	case t.Down:
		return down
	}
	return up
}

// forward joins the client to the target, until the relay ends. If the target is not
// reached, the client is reset.
func (c *connection) forward() error {
	target := c.server.To
	c.endMu.Lock()
	c.relayed = true // end sets no deadlines any more
	c.endMu.Unlock()
	if c.cause.Load() != nil {
		return context.Canceled
	}
	dialing, stop := c.socket.UntilGone(c.ctx, c.remote, target.Name)
	to, err := target.Dial(dialing)
	gone := context.Cause(dialing)
	stop()
	switch {
	case err != nil && c.cause.Load() != nil:
		return context.Canceled
	case err != nil && gone != nil:
		return gone
	case err != nil:
		c.end(reason{by: "local", reset: true, event: &Event{Kind: Failed, Err: err}})
		return context.Canceled
	}
	c.endMu.Lock()
	c.target = conn.SocketBelow(to)
	if cause := c.cause.Load(); cause != nil && cause.reset && c.target != nil {
		_ = c.target.Reset() // the client has gone already
	}
	c.endMu.Unlock()
	relay := &conn.Relay{
		Local: c.faultyTarget(to), Remote: c.faultyClient(),
		Peer: c.remote, To: target.Name, Idle: c.server.Idle,
	}
	for _, side := range []conn.Stream{relay.Local, relay.Remote} {
		if f, ok := side.(*faulty); ok {
			f.out.announce()
			defer func() { f.stop() }()
		}
	}
	result := relay.Run(c.ctx)
	if c.out.direction == down {
		result.Sent = c.out.sent.Load() // the relay also counts what a fault has kept back
	}
	c.server.Totals.Sent.Add(result.Sent - c.out.sent.Swap(result.Sent))
	c.received.Store(result.Received)
	c.first = result.FirstByte
	c.server.Totals.Received.Add(result.Received)
	c.forwarded = &result
	return nil
}

// forwardEnd reports the error of a forwarded connection, and returns what ended it.
func (c *connection) forwardEnd(how *conn.Result) string {
	if cause := c.cause.Load(); cause != nil {
		return cause.by
	}
	if failed, ok := errors.AsType[*conn.Error](how.Err); ok && failed.Why == conn.Timeout {
		c.report(Event{Kind: TimedOut, What: "timed out: " + conn.Words(failed.Err)})
	} else if how.Err != nil {
		c.report(Event{Kind: Failed, Err: how.Err})
	}
	return how.EndedBy
}

// faultyClient is the client's side of the relay. Without faults it is the bare
// stream, so that the kernel can move the bytes.
func (c *connection) faultyClient() conn.Stream {
	reads := c.plan.NoRead || c.plan.OnEOF != Close
	if !c.plan.any() || !reads && !c.server.To.Down {
		return c.stream
	}
	c.out.direction = down
	if !c.server.To.Down {
		c.out.plan.Faults = new(Faults)
	}
	return &faulty{Stream: c.stream, c: c, out: &c.out, reads: reads}
}

// faultyTarget is the target's side.
func (c *connection) faultyTarget(to conn.Stream) conn.Stream {
	if !c.plan.any() || !c.server.To.Up {
		return to
	}
	plan := c.server.Faults.plan(-c.number)
	plan.Faults = c.plan.Faults
	up := &outlet{c: c, stream: to, direction: up, plan: plan, pacer: filter.Pacer{PerSecond: plan.Rate}}
	return &faulty{Stream: to, c: c, out: up}
}

// A faulty is a side of a relay that faults apply to.
type faulty struct {
	conn.Stream
	c     *connection
	out   *outlet
	reads bool // with the faults of reading
	stop  func()
}

// Unwrap returns the stream below.
func (f *faulty) Unwrap() conn.Stream { return f.Stream }

// Watch takes the relay's clock, for the pauses, and starts the limits.
func (f *faulty) Watch(p *conn.Progress) {
	if f.c.progress != p {
		f.c.progress = p
	}
	f.stop = f.out.startLimits(false)
}

// Read reads, and applies NoRead and OnEOF.
func (f *faulty) Read(p []byte) (int, error) {
	switch {
	case !f.reads:
		return f.Stream.Read(p)
	case f.c.cause.Load() != nil:
		return 0, io.EOF // it is being closed
	case f.c.plan.NoRead:
		f.c.fault("reads nothing")
		return 0, f.c.hang()
	}
	n, err := f.Stream.Read(p)
	if err != io.EOF {
		return n, err
	}
	if err := f.c.onEOF(f.c.plan.OnEOF); err != errReset {
		return n, err
	}
	f.c.end(reason{by: "local", reset: true})
	return n, errReset
}

// Write sends p with the faults of sending. What a limit has kept back counts as
// written, as it will not be sent.
func (f *faulty) Write(p []byte) (int, error) {
	before := f.out.sent.Load()
	err := f.out.send(p)
	if err != nil && !errors.Is(err, errDone) && !errors.Is(err, errReset) {
		return int(f.out.sent.Load() - before), err
	}
	return len(p), err
}

// CloseWrite passes an end of file on, unless a fault has done so.
func (f *faulty) CloseWrite() error {
	if f.out.halved.Load() {
		return nil
	}
	if f.out.stalled.Load() {
		return f.c.hang()
	}
	return f.Stream.CloseWrite()
}
