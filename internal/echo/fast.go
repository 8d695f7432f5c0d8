package echo

import (
	"slices"
	"time"

	"gcat/internal/echo/epoll"
)

// startFast starts the fast path if the server only echoes and a socket's
// connections can take it.
func (s *Server) startFast(sockets []Socket) {
	if !s.plain() || !slices.ContainsFunc(sockets, Socket.fast) {
		return
	}
	s.fast = epoll.Start(epoll.Config{
		Idle: s.Idle, Deadline: s.Deadline, Farewell: s.Farewell, Drain: drainLimit, Buffers: &buffers,
		Received: &s.Totals.Received, Sent: &s.Totals.Sent, Unacknowledged: s.Trace,
		Expired: func(c *epoll.Conn, clock string, limit time.Duration) { s.reportFast(c, timedOut(clock, limit)) },
		Ended:   s.endedFast,
	})
}

// fast reports whether the socket's connections can take the fast path, if its acceptor
// has a descriptor to accept on.
func (s Socket) fast() bool { return s.Listener != nil && s.TLS == nil && !s.Messages }

// acceptFast accepts a connection, for which a slot is taken, onto the fast path.
func (a *acceptor) acceptFast() error {
	s := a.server
	c, err := s.fast.Accept(a.raw)
	if c == nil {
		s.slots.returnSlot(false)
		return err
	}
	if s.Permits != nil && !s.permits(c.Remote(), a.socket.Listener.Addr(), a.socket) {
		c.Close()
		s.slots.returnSlot(false)
		return nil
	}
	s.slots.count()
	c.Number, c.Owner = s.Totals.Connections.Add(1), &a.socket
	s.Totals.Now.Add(1)
	s.live.Add(1)
	if s.Trace {
		s.reportFast(c, Event{Kind: Accepted})
	}
	if err := s.fast.Add(c); err != nil {
		s.endedFast(c, epoll.End{By: "local"})
		return err
	}
	return nil
}

// endedFast reports how a connection ended, and closes it.
func (s *Server) endedFast(c *epoll.Conn, how epoll.End) {
	if how.Err != nil {
		s.reportFast(c, Event{Kind: Failed, Err: how.Err})
	}
	if s.Trace {
		s.reportFast(c, Event{
			Kind: Closed, Received: how.Received, Sent: how.Sent, Unacknowledged: how.Unacknowledged,
			Duration: how.Duration, FirstByte: how.FirstByte, EndedBy: how.By,
		})
	}
	c.Close() // before its slot is free, or a descriptor may be missing
	s.Totals.Now.Add(-1)
	s.slots.release(false)
	s.live.Done()
}

// reportFast adds the connection's number and addresses to e.
func (s *Server) reportFast(c *epoll.Conn, e Event) {
	e.Number, e.Endpoint = c.Number, c.Owner.(*Socket).Name
	e.Remote, e.Local = addrName(c.Remote()), addrName(c.Local())
	s.report(e)
}
