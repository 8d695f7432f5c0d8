package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/netip"
	"sync"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/filter"
	"gcat/internal/tlsconn"
)

// listen serves one peer, or with -k all peers until gcat is killed.
func (g *gcat) listen(ctx context.Context, at conn.Endpoint) error {
	if c := g.handed.Conn; c != nil { // the service manager has accepted it
		if !g.permits(c) {
			return &conn.Error{Why: conn.NoConnection, Err: fmt.Errorf("%s may not connect (--allow, --deny)", address(c.RemoteAddr()))}
		}
		return g.serveOne(ctx, c, at)
	}
	l, err := g.listenConfig().Listen(ctx, at)
	if err != nil {
		return cli.Hint(conn.Cause(ctx, err), g.ncatCommand())
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if !g.SendOnly && g.usesStdio() {
		go func() { // ends when standard output has lost its reader or is closed, or with the process
			if err := g.stdio.Gone(); err != nil {
				cancel(err)
			}
		}()
	}
	stop := context.AfterFunc(ctx, func() { _ = l.Close() }) // wakes Accept
	defer stop()
	defer l.Close()
	if err := g.refuseSelf(ctx, l.Addr()); err != nil {
		return err
	}
	if err := g.listening(ctx, conn.EndpointOf(l.Addr())); err != nil {
		return err
	}
	if g.KeepOpen {
		return g.serve(ctx, cancel, l, at)
	}
	limited := g.limitAccept(cancel, at)
	c, err := g.accept(ctx, l)
	limited.Stop()
	if err != nil {
		return err
	}
	_ = l.Close() // without -k the next peer is refused rather than left in the backlog
	return g.serveOne(ctx, c, at)
}

// listenConfig returns the options of the listening socket.
func (g *gcat) listenConfig() conn.ListenConfig {
	return conn.ListenConfig{
		Backlog:  g.Backlog,
		Mode:     fs.FileMode(g.Mode),
		Socket:   g.socketOptions(),
		Resolver: conn.Resolver{Numeric: g.Numeric},
		Handed:   g.handed,
	}
}

// limitAccept ends the wait for the only peer after the accept limit. It ends ctx of the
// listener, not a child: a child could end after the listener is closed.
func (g *gcat) limitAccept(cancel context.CancelCauseFunc, at conn.Endpoint) *time.Timer {
	limit := cmp.Or(g.acceptLimit(), math.MaxInt64)
	return time.AfterFunc(limit, func() {
		cancel(&conn.Error{Why: conn.Timeout, Op: "listen on " + at.String(), Err: fmt.Errorf("no peer connected within %v (connect limit)", limit)})
	})
}

// serveOne serves the only peer.
func (g *gcat) serveOne(ctx context.Context, c net.Conn, at conn.Endpoint) error {
	p, err := g.secureServer(ctx, g.newPeer(c, at))
	if err != nil {
		return err
	}
	return g.handle(ctx, p)
}

// newPeer sets the socket options of an accepted connection, and logs the peer.
func (g *gcat) newPeer(c net.Conn, at conn.Endpoint) peer {
	options := g.socketOptions()
	options.Tune(c)
	p := peerOf(c, at)
	g.accepted(address(c.LocalAddr()), p.name)
	return p
}

// serve is gcat -lk: each peer has its own conversation, and takes its turn with
// standard input. Only a signal, the deadline or a failure of standard output ends
// them all. When --max-conns peers are served, the next wait in the backlog. A TLS
// peer takes its slot after its handshake, which has slots of its own: peers that
// stall in the handshake cannot keep out others.
func (g *gcat) serve(ctx context.Context, cancel context.CancelCauseFunc, l net.Listener, at conn.Endpoint) error {
	var peers sync.WaitGroup
	defer peers.Wait()
	var input filter.Input
	conversations, handshakes := make(slots, g.maxConns()), make(slots, tlsconn.MaxHandshakes)
	start := func(p peer) {
		if !g.RecvOnly && g.usesStdio() {
			p.turn = input.Queue()
		}
		peers.Go(func() {
			defer conversations.free()
			if err := g.handle(ctx, p); ctx.Err() == nil && outputFailed(err) {
				cancel(err)
			} else if ctx.Err() == nil {
				g.log.Error(err)
			}
		})
	}
	for conversations.take(ctx) {
		if g.tls != nil {
			conversations.free() // taken again after the handshake
			if !handshakes.take(ctx) {
				break
			}
		}
		c, err := g.accept(ctx, l)
		if err != nil {
			return err
		}
		p := g.newPeer(c, at)
		if g.tls == nil {
			start(p)
			continue
		}
		peers.Go(func() {
			defer handshakes.free()
			if p, err := g.secureServer(ctx, p); err == nil && conversations.take(ctx) {
				start(p)
			} else if ctx.Err() == nil {
				g.log.Error(err)
			}
		})
	}
	return context.Cause(ctx)
}

// slots limit how many goroutines do something at once; the others wait.
type slots chan struct{}

// take takes a slot. It returns false if ctx ends before one is free.
func (s slots) take(ctx context.Context) bool {
	select {
	case s <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s slots) free() { <-s }

// acceptPause is between two tries to accept a peer. (TestSystemCallDescriptorLimit)
const acceptPause = 100 * time.Millisecond

// accept accepts the next peer that --allow and --deny let connect. An error, such as no
// free descriptor, is returned without -k; with -k it is logged once, and accept tries
// again.
func (g *gcat) accept(ctx context.Context, l net.Listener) (net.Conn, error) {
	for logged := false; ; {
		c, err := l.Accept()
		switch {
		case err == nil && g.permits(c):
			return c, nil
		case err == nil:
			continue
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		}
		failed := &conn.Error{Why: conn.NoConnection, Op: "accept on " + conn.EndpointOf(l.Addr()).String(), Err: err}
		if !g.KeepOpen {
			return nil, failed
		}
		if !logged {
			g.log.Error(failed)
			logged = true
		}
		select {
		case <-time.After(acceptPause):
		case <-ctx.Done():
		}
	}
}

// outputFailed reports whether err is a failure of standard output, which ends the
// listener.
func outputFailed(err error) bool {
	e, ok := errors.AsType[*conn.Error](err)
	return ok && e.Why == conn.Local && e.Op == "standard output"
}

// permits reports whether the rules let the peer at c connect; if not, it closes c.
func (g *gcat) permits(c net.Conn) bool {
	if g.rules.Permits(c.RemoteAddr()) {
		return true
	}
	remote := address(c.RemoteAddr())
	g.log.Event(1, "refused-by-rule", "refused "+remote+" by rule", "local", address(c.LocalAddr()), "remote", remote)
	_ = c.Close()
	return false
}

// warnExec warns if other hosts can run the command of -e.
func (g *gcat) warnExec(bound conn.Endpoint) {
	if g.Exec == "" || bound.Unix() || len(g.Allow) > 0 {
		return
	}
	if ip, err := netip.ParseAddr(bound.Host); err == nil && !ip.IsLoopback() {
		g.log.Infof(1, "warning: any host that can reach %s can run %q here (--allow restricts it)", bound.Address(), g.Exec)
	}
}

// listening logs the address of the listener, and writes it to the file of --ready.
func (g *gcat) listening(ctx context.Context, bound conn.Endpoint) error {
	g.log.Event(1, "listening", "listening on "+bound.Address(), "local", bound.Address())
	g.logCertificate()
	g.warnExec(bound)
	if g.Ready == "" {
		return nil
	}
	return cli.Interruptible(ctx, func() error {
		return conn.WriteOutput(g.Ready, bound.Address()+"\n", cli.Stderr, g.tlsFiles()...)
	})
}
