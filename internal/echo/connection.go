package echo

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gcat/internal/conn"
	"gcat/internal/filter"
	"gcat/internal/tlsconn"
)

// A connection is the state of one accepted connection, and its clocks.
type connection struct {
	server        *Server
	number        int64
	endpoint      string
	remote, local string
	buffers       *sync.Pool // for receiving

	socket   *conn.Socket
	stream   conn.Stream // the socket, or TLS above it
	raw      syscall.RawConn
	progress *conn.Progress // paused by our own delays; the relay's if there is one
	stopIdle func()         // ends the idle clock
	out      outlet         // to the client
	plan     plan
	at       atomic.Pointer[Step] // of the script
	facts    tlsconn.Facts        // of TLS

	replies  int64
	received atomic.Int64
	first    time.Duration // from the start to the first byte received
	start    time.Time
	partial  []byte // the beginning of a line whose end has not come

	shaking   bool            // in its TLS handshake, or waiting for a slot behind it
	failing   bool            // one of the first FailFirst
	ctx       context.Context // ends when a clock or the server ends it
	cancel    context.CancelFunc
	cause     atomic.Pointer[reason] // stored before ctx ends
	endMu     sync.Mutex             // held while deadlines are set to make it end
	relayed   bool                   // by a relay, which ends with ctx and needs no deadlines
	target    *conn.Socket           // that it is forwarded to, once connected
	forwarded *conn.Result           // of the relay, once it has ended
	writing   atomic.Bool
}

// A reason is why a connection is closed from this side.
type reason struct {
	by    string // timeout, signal or local
	idle  bool   // the idle limit passed, so nothing can be in flight
	reset bool   // by a RST, to the target, too, if it is forwarded
	event *Event // reported at the end; nil is none
}

// What ends a conversation, apart from the peer and the clocks.
var (
	errDone  = errors.New("the conversation is complete") // close in order
	errReset = errors.New("a reset on purpose")           // RST
	errLong  = errors.New("the line is too long")         // close in order
)

// newConnection wraps a connection that has just been accepted.
func (s *Server) newConnection(nc net.Conn, number int64, socket Socket) *connection {
	c := &connection{
		server: s, number: number, endpoint: socket.Name, buffers: &buffers,
		remote: addrName(nc.RemoteAddr()), local: addrName(nc.LocalAddr()),
		start: time.Now(), plan: s.Faults.plan(number),
	}
	if socket.Messages {
		c.buffers = &messages
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.progress = new(conn.Progress)
	c.progress.Start()
	c.socket = conn.NewSocket(nc)
	c.socket.Watch(c.progress)
	c.progress.Queued = c.socket.Unacknowledged
	c.stream = c.socket
	c.out = outlet{c: c, stream: c.socket, plan: c.plan, pacer: filter.Pacer{PerSecond: s.Faults.Rate}}
	c.raw, _ = c.socket.SyscallConn()
	return c
}

// addrName is how an address is shown; a Unix socket without a name is
// "unnamed".
func addrName(a net.Addr) string {
	if a == nil {
		return "unnamed"
	}
	u, ok := a.(*net.UnixAddr)
	switch {
	case !ok:
		return a.String()
	case u == nil || u.Name == "" || u.Name == "@":
		return "unnamed"
	}
	return fmt.Sprintf("%q", u.Name)
}

// serve serves the connection until it is closed.
func (c *connection) serve(secure *tls.Config) {
	s := c.server
	c.report(Event{Kind: Accepted})
	s.Totals.Now.Add(1)
	defer c.cancel()
	if s.To == nil { // else the relay has the idle clock
		c.setIdle(s.Idle)
		defer func() { c.stopIdle() }()
	}
	if s.Deadline > 0 {
		defer time.AfterFunc(s.Deadline, func() { c.expire("deadline", s.Deadline) }).Stop()
	}
	// A limit that ends the connection holds in the handshake, and before there is a target.
	limits := &outlet{c: c, direction: s.To.faulted(), plan: c.plan} // it sends nothing
	stop := limits.startLimits(true)
	defer stop()
	err := c.handshake(secure)
	if err != nil {
		s.slots.exempt()
	} else if secure != nil {
		c.admit()
	}
	if c.failing {
		stop()
	}
	if err == nil && c.shaking {
		err = c.enter()
	}
	if err == nil {
		err = c.converse()
	}
	c.finish(err)
	s.Totals.Now.Add(-1)
}

// handshake performs the TLS handshake, with the fault of TLS if there is one. It returns
// an error if the connection has been ended already.
func (c *connection) handshake(secure *tls.Config) error {
	if secure == nil {
		return nil
	}
	if c.cause.Load() != nil { // the handshake would replace the deadlines of end
		return context.Canceled
	}
	fault := c.plan.TLS
	if fault != "" {
		c.fault("TLS: %s", fault)
	}
	if fault.OfCertificate() {
		secure = c.plan.BadTLS
	}
	if fault == tlsconn.Stall {
		defer c.untimed()()
	}
	c.progress.Pause() // one clock for the handshake: that of its limit
	defer c.progress.Resume()
	limit := min(tlsconn.HandshakeLimit, cmp.Or(c.server.Idle, math.MaxInt64))
	t, err := fault.Server(context.Background(), c.socket, secure, tlsconn.Limits{Total: limit})
	if err != nil {
		return err
	}
	c.stream, c.raw, c.facts = t, nil, t.Facts()
	c.out.stream = t
	return nil
}

// enter waits for the slot of a connection whose handshake is finished. The idle
// clock is paused.
func (c *connection) enter() error {
	c.progress.Pause()
	defer c.progress.Resume()
	if !c.server.slots.enter(c.ctx) {
		return context.Canceled
	}
	c.shaking = false
	return nil
}

// hang keeps the connection open and silent until the peer is gone, a clock ends
// the connection or the server stops. The silence is ours, so the idle clock is
// paused, and a server that stops gives it no grace.
func (c *connection) hang() error {
	defer c.untimed()()
	return c.pause(math.MaxInt64)
}

// untimed pauses the idle clock until done is called. Meanwhile a signal to the
// server ends the connection without grace.
func (c *connection) untimed() (done func()) {
	c.progress.Pause()
	stop := context.AfterFunc(c.server.stopping, func() { c.end(reason{by: "signal"}) })
	return func() {
		stop()
		c.progress.Resume()
	}
}

// setIdle sets the idle limit, which begins anew; 0 is none.
func (c *connection) setIdle(limit time.Duration) {
	if c.stopIdle != nil {
		c.stopIdle()
	}
	c.stopIdle = c.progress.AfterIdle(limit, func() { c.expire("idle", limit) })
}

// expire is called by the clocks.
func (c *connection) expire(clock string, limit time.Duration) {
	e := timedOut(clock, limit)
	if step := c.at.Load(); step != nil {
		if wants := step.wants(); wants != "" && (step.Do > SendFile || c.writing.Load()) {
			e.What = "expected " + wants + ": " + e.What
		}
		e.What = step.Pos + ": " + e.What
	}
	c.end(reason{by: "timeout", idle: clock == "idle", event: &e})
}

// timedOut is the event that a clock, "idle" or "deadline", has fired.
func timedOut(clock string, limit time.Duration) Event {
	if clock == "deadline" {
		return Event{Kind: TimedOut, What: fmt.Sprintf("timed out: its deadline of %v passed", limit)}
	}
	return Event{Kind: TimedOut, What: fmt.Sprintf("timed out: nothing moved for %v", limit)}
}

// end interrupts the read or write that the connection is blocked in, and keeps the
// reason. It returns false if the connection had a reason already.
func (c *connection) end(why reason) bool {
	c.endMu.Lock()
	defer c.endMu.Unlock()
	if !c.cause.CompareAndSwap(nil, &why) {
		return false
	}
	if why.reset { // before a relay that is interrupted sends its FIN
		_ = c.socket.Reset() // the peer may be gone already
		if c.target != nil {
			_ = c.target.Reset()
		}
	}
	c.cancel()
	if c.relayed {
		return true
	}
	past := time.Unix(1, 0)
	_ = c.socket.SetReadDeadline(past) // it fails only on a closed connection
	if c.writing.Load() || c.stream == conn.Stream(c.socket) {
		_ = c.socket.SetWriteDeadline(past)
	}
	return true
}

// goneCheck is how often a pause looks whether the peer is still there.
const goneCheck = time.Second

// pause sleeps for d, or until the peer is gone or the connection is ended. The
// idle clock is paused.
func (c *connection) pause(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	c.progress.Pause()
	defer c.progress.Resume()
	for ; d > 0; d -= goneCheck {
		select {
		case <-time.After(min(d, goneCheck)):
		case <-c.ctx.Done():
			return context.Canceled
		}
		if d <= goneCheck {
			break
		}
		if err := c.socket.Left(); err != nil {
			return err
		}
	}
	return nil
}

// report adds the connection's number and addresses to e.
func (c *connection) report(e Event) {
	e.Number, e.Endpoint, e.Remote, e.Local = c.number, c.endpoint, c.remote, c.local
	c.server.report(e)
}

// fault reports a fault that is being applied.
func (c *connection) fault(format string, args ...any) {
	c.report(Event{Kind: Faulted, What: fmt.Sprintf(format, args...)})
}
