package echo

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"gcat/internal/conn"
)

// An acceptor takes connections from one listener.
type acceptor struct {
	server *Server
	socket Socket
	fast   bool     // connections take the fast path
	watch  *os.File // a copy of the listener's descriptor to wait on; nil if there is none
	raw    syscall.RawConn
}

// secure reports whether its connections are TLS.
func (a *acceptor) secure() bool { return a.socket.TLS != nil }

// run accepts until ctx ends.
func (a *acceptor) run(ctx context.Context) {
	a.open()
	a.fast = a.server.fast != nil && a.raw != nil && a.socket.fast()
	if a.fast {
		a.server.fast.Prepare(a.raw)
	}
	stop := context.AfterFunc(ctx, a.interrupt)
	defer stop()
	for ctx.Err() == nil {
		a.server.slots.wait(ctx, a.secure())
		if ctx.Err() != nil || !a.ready() {
			continue
		}
		if err := a.accept(); err != nil {
			a.failed(ctx, err)
		}
	}
}

// open prepares the wait for connections. A listener of package net offers no wait without
// an accept, so the acceptor waits on a copy of its descriptor. If there is none (Windows,
// vsock), Accept does the waiting.
func (a *acceptor) open() {
	l, ok := a.socket.Listener.(interface{ File() (*os.File, error) })
	if !ok {
		return
	}
	f, err := l.File()
	if err == nil {
		err = f.SetReadDeadline(time.Time{}) // an error if it cannot be polled
	}
	if err == nil {
		a.raw, err = f.SyscallConn()
	}
	if err != nil {
		_ = f.Close()
		return
	}
	a.watch = f
}

// ready waits for a connection and takes a slot for it. It returns false if no slot is
// free or the wait was interrupted. It takes the slot after the wait: otherwise a listener
// without clients would keep the last slot from the other listeners.
func (a *acceptor) ready() (ok bool) {
	if a.raw == nil {
		return a.server.slots.take(a.secure())
	}
	_ = a.raw.Read(func(uintptr) bool { // the interrupt is its only error
		if !conn.ReadyToRead(a.raw) {
			return false
		}
		ok = a.server.slots.take(a.secure())
		return true
	})
	return ok
}

// interrupt makes Accept and the wait for it return.
func (a *acceptor) interrupt() {
	_ = a.watch.SetReadDeadline(time.Unix(1, 0)) // it can be polled: open tried; nil is an error
	a.limit(time.Unix(1, 0))
}

// limit makes Accept return at that time.
func (a *acceptor) limit(end time.Time) {
	if l, ok := a.socket.Listener.(interface{ SetDeadline(time.Time) error }); ok {
		_ = l.SetDeadline(end) // it fails only on a closed listener
	}
}

// drain accepts the connections in the backlog when the server ends: their clients
// are connected already.
func (a *acceptor) drain() {
	if a.raw == nil {
		return
	}
	a.limit(time.Now().Add(drainLimit))
	for conn.ReadyToRead(a.raw) && a.server.slots.take(a.secure()) {
		if a.accept() != nil {
			return
		}
	}
}

// accept accepts the connection that is ready, for which a slot is taken, and
// begins to serve it.
func (a *acceptor) accept() error {
	s := a.server
	if a.fast {
		return a.acceptFast()
	}
	nc, err := a.socket.Listener.Accept()
	if err != nil {
		s.slots.returnSlot(a.secure())
		return err
	}
	if !s.permits(nc.RemoteAddr(), nc.LocalAddr(), a.socket) {
		_ = nc.Close()
		s.slots.returnSlot(a.secure())
		return nil
	}
	s.begin(nc, a.socket)
	return nil
}

// acceptPause is the pause after an error of accept(2).
const acceptPause = time.Second

// failed reports why accept failed, and waits for acceptPause: what is missing, as a rule a
// descriptor or memory, will not be there at once.
func (a *acceptor) failed(ctx context.Context, err error) {
	if ctx.Err() != nil || errors.Is(err, syscall.ECONNABORTED) || errors.Is(err, syscall.EINTR) {
		return
	}
	a.server.report(Event{Kind: Failed, Endpoint: a.socket.Name, Err: &conn.Error{
		Why: conn.Local, Op: "accept on " + a.socket.Name, Err: err}})
	select {
	case <-time.After(acceptPause):
	case <-ctx.Done():
	}
}
