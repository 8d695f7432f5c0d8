package echo

import (
	"context"
	"net"
	"sync"
	"time"
)

// Serve serves sockets until ctx ends or Count connections have been served, and
// closes them. When ctx ends, it still accepts the connections in the backlog, and
// then no more. Connections have grace to finish, after which they are closed in
// order. It returns how many had to be closed.
func (s *Server) Serve(ctx context.Context, grace time.Duration, sockets []Socket) (closed int) {
	over, end := context.WithCancel(context.Background())
	defer end()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, end) })()
	s.stopping, s.graceOver = ctx, over
	accepting, stop := context.WithCancel(ctx)
	defer stop()
	s.slots = newSlots(s.MaxConns, s.room(len(sockets)), s.Count, stop)
	for _, socket := range sockets {
		if socket.Packet != nil {
			s.own = append(s.own, socket.Addr())
		}
	}
	s.startFast(sockets)
	var serving sync.WaitGroup
	for _, socket := range sockets {
		serving.Go(func() { s.serveSocket(accepting, socket) })
	}
	serving.Wait()
	finished := make(chan struct{})
	go func() { // ends with the connections
		s.counted.Wait()
		s.endFailing()
		s.live.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-over.Done():
		closed = s.endAll()
		<-finished
	}
	if s.fast != nil {
		s.fast.Stop()
	}
	return closed
}

// endFailing ends the connections that fail on purpose and were left hanging: there are no
// others once those that count have ended.
func (s *Server) endFailing() {
	for c := range s.open.Range {
		c.(*connection).end(reason{by: "local"})
	}
}

// endAll closes the connections that are open, and returns their number.
func (s *Server) endAll() (closed int) {
	for c := range s.open.Range {
		if c.(*connection).end(reason{by: "signal"}) {
			closed++
		}
	}
	if s.fast != nil {
		closed += s.fast.EndAll()
	}
	return closed
}

// serveSocket serves one socket until accepting ends, and closes it.
func (s *Server) serveSocket(accepting context.Context, socket Socket) {
	switch {
	case socket.Packet != nil:
		s.servePacket(accepting, socket)
	case socket.Conn != nil:
		s.serveConn(accepting, socket)
	case s.Faults.NoAccept:
		<-accepting.Done()
		_ = socket.Listener.Close()
	default:
		a := &acceptor{server: s, socket: socket}
		a.run(accepting)
		if s.stopping.Err() != nil {
			a.drain()
		}
		_ = socket.Listener.Close()
		_ = a.watch.Close() // nil is an error
	}
}

// serveConn begins to serve a connection that was handed over, once there is a slot.
func (s *Server) serveConn(ctx context.Context, socket Socket) {
	ok := s.permits(socket.Conn.RemoteAddr(), socket.Conn.LocalAddr(), socket)
	for ok && !s.slots.take(socket.TLS != nil) {
		s.slots.wait(ctx, socket.TLS != nil)
		ok = ctx.Err() == nil
	}
	if !ok {
		_ = socket.Conn.Close()
		return
	}
	s.begin(socket.Conn, socket)
}

// begin serves a connection, whose slot is taken, in a goroutine of its own.
func (s *Server) begin(nc net.Conn, socket Socket) {
	c := s.newConnection(nc, s.Totals.Connections.Add(1), socket)
	s.counted.Add(1)
	s.open.Store(c, nil)
	if socket.TLS == nil {
		c.admit()
	}
	s.live.Go(func() { // ends with the connection
		defer s.open.Delete(c)
		c.shaking = socket.TLS != nil
		defer func() { s.slots.release(c.shaking) }()
		c.serve(socket.TLS)
		if !c.failing {
			s.counted.Done()
		}
	})
}

// permits reports whether remote may connect, and reports the event if it may not.
func (s *Server) permits(remote, local net.Addr, socket Socket) bool {
	if s.Permits == nil || s.Permits(remote) {
		return true
	}
	s.report(Event{Kind: RefusedByRule, Endpoint: socket.Name, Remote: addrName(remote), Local: addrName(local)})
	return false
}

// backlogLimit is how long a connect may take before the backlog counts as full.
const backlogLimit = 300 * time.Millisecond

// FillBacklog connects to a listener that never accepts until its backlog is full,
// so that the kernel keeps the next client waiting. The connections stay in the backlog,
// although nothing keeps our ends of them open.
func FillBacklog(l net.Listener) {
	const most = 64 // a backlog of 1 takes two; a bound in case that it does not fill
	for range most {
		if _, err := net.DialTimeout(l.Addr().Network(), l.Addr().String(), backlogLimit); err != nil {
			return
		}
	}
}
