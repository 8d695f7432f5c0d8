package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
)

// listen is gcat as a listener: for one peer, or with -k until it is killed.
func (g *gcat) listen(ctx context.Context, where conn.Endpoint) error {
	l, err := g.listenConfig().Listen(ctx, where)
	if err != nil {
		return cause(ctx, err)
	}
	l = g.guard(l)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stdio := g.stdio()
	go g.watchOutput(stdio, cancel)
	stop := context.AfterFunc(ctx, func() { _ = l.Close() }) // wakes Accept
	defer stop()
	defer l.Close()
	bound := conn.EndpointOf(l.Addr())
	g.listening(bound)
	g.tellCertificate()
	g.warnExec(bound)
	if err := g.ready(ctx, bound); err != nil {
		return err
	}
	if g.KeepOpen {
		return g.serve(ctx, cancel, l, where, stdio)
	}
	c, err := g.accept(ctx, l, where)
	if err != nil {
		return err
	}
	_ = l.Close() // one peer was asked for: the next is refused rather than left waiting
	if c, err = g.secureServer(ctx, c); err != nil {
		return err
	}
	return g.meet(ctx, c, where, stdio)
}

// listenConfig is how we listen.
func (g *gcat) listenConfig() conn.ListenConfig {
	return conn.ListenConfig{
		Backlog:  g.Backlog,
		Socket:   g.socketOptions(),
		Resolver: conn.Resolver{Numeric: g.Numeric},
	}
}

// listening says where.
func (g *gcat) listening(bound conn.Endpoint) {
	g.log.Event(1, cli.Event{
		Name:   "listening",
		Text:   "listening on " + bound.Address(),
		Fields: []cli.Field{{Key: "local", Value: bound.Address()}},
	})
}

// watchOutput ends a listener, even one that nobody has called, when nobody can
// read its output any more. It ends then, when the output ends, or with the
// process.
func (g *gcat) watchOutput(stdio *conn.Stdio, cancel context.CancelCauseFunc) {
	if g.SendOnly || !g.talksItself() {
		return
	}
	if err := stdio.Gone(); err != nil {
		cancel(err)
	}
}

// ready tells a script where the listener is.
func (g *gcat) ready(ctx context.Context, bound conn.Endpoint) error {
	if g.Ready == "" {
		return nil
	}
	return unlessEnded(ctx, func() error {
		f, err := openReady(g.Ready)
		if err != nil {
			return fileError(err)
		}
		_, err = f.WriteString(bound.Address() + "\n")
		if f == os.Stdin || f == os.Stdout || f == os.Stderr {
			return fileError(err) // closed, it would lend its number to the next socket
		}
		if e := f.Close(); err == nil {
			err = e
		}
		return fileError(err)
	})
}

// openReady opens FILE for --ready. A descriptor is used as it is: opening
// /dev/fd/N anew fails for a socket.
func openReady(path string) (*os.File, error) {
	if n, ok := strings.CutPrefix(path, "/dev/fd/"); ok {
		if fd, err := strconv.Atoi(n); err == nil && fd >= 0 {
			if standard := []*os.File{os.Stdin, os.Stdout, os.Stderr}; fd < len(standard) {
				return standard[fd], nil
			}
			return os.NewFile(uintptr(fd), path), nil
		}
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
}

// fileError names the file that could not be used.
func fileError(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return cli.Failf(cli.Local, "%s %q: %s", e.Op, e.Path, conn.Words(e.Err))
	}
	return err
}

// accept waits for a peer, for at most the accept limit.
func (g *gcat) accept(ctx context.Context, l net.Listener, where conn.Endpoint) (net.Conn, error) {
	var late <-chan time.Time
	if limit := g.acceptLimit(); limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		late = timer.C
	}
	type accepted struct {
		c   net.Conn
		err error
	}
	peer := make(chan accepted, 1)
	go func() { // ends when the listener is closed
		c, err := l.Accept()
		peer <- accepted{c, err}
	}()
	select {
	case p := <-peer:
		if p.err != nil {
			return nil, cause(ctx, acceptError(l, p.err))
		}
		g.accepted(p.c, where)
		return p.c, nil
	case <-late:
		return nil, &conn.Error{Why: conn.Timeout, Op: "listen on " + where.String(), Err: fmt.Errorf("nobody connected within %v (connect limit)", g.acceptLimit())}
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func acceptError(l net.Listener, err error) error {
	return &conn.Error{Why: conn.NoConnection, Op: "accept on " + conn.EndpointOf(l.Addr()).String(), Err: err}
}

// accepted tunes the connection of a peer that has come, and says who it is.
func (g *gcat) accepted(c net.Conn, where conn.Endpoint) {
	options := g.socketOptions()
	options.Tune(c)
	g.log.Event(1, cli.Event{
		Name:   "accepted",
		Text:   "accepted " + peerName(c, where),
		Fields: []cli.Field{{Key: "local", Value: address(c.LocalAddr())}, {Key: "remote", Value: peerName(c, where)}},
	})
}

// serve is gcat -lk: every peer is a conversation of its own, and only a signal,
// the deadline or the failure of our own output ends them all. Standard input
// belongs to the first peer. At --max-conns nobody is accepted: the next peers
// wait in the backlog.
func (g *gcat) serve(ctx context.Context, cancel context.CancelCauseFunc, l net.Listener, where conn.Endpoint, stdio *conn.Stdio) error {
	var peers sync.WaitGroup
	var claimed atomic.Bool // standard input
	places := make(chan struct{}, g.MaxConns)
	for {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		c, err := g.acceptNext(ctx, l)
		if err != nil {
			peers.Wait()
			return err
		}
		g.accepted(c, where)
		one := *g
		plain := g.tlsConfig == nil
		if plain {
			one.RecvOnly = g.RecvOnly || claimed.Swap(true)
		}
		peers.Go(func() {
			defer func() { <-places }()
			c, err := g.secureServer(ctx, c)
			if err == nil {
				if !plain {
					one.RecvOnly = g.RecvOnly || claimed.Swap(true)
				}
				err = one.meet(ctx, c, where, stdio)
			}
			switch {
			case ctx.Err() != nil:
			case outputFailed(err):
				cancel(err)
			default:
				g.log.Error(err)
			}
		})
	}
}

// acceptNext accepts a peer. When descriptors have run out it waits for one to
// be freed: the listener outlives that.
func (g *gcat) acceptNext(ctx context.Context, l net.Listener) (net.Conn, error) {
	told := false
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		c, err := l.Accept()
		if err == nil || ctx.Err() != nil {
			return c, cause(ctx, err)
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, acceptError(l, err)
		}
		if !told {
			g.log.Error(acceptError(l, err))
			told = true
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// outputFailed reports whether err is of our own standard output, without which
// there is no use in serving on.
func outputFailed(err error) bool {
	e, ok := errors.AsType[*conn.Error](err)
	return ok && e.Why == conn.Local && e.Op == "standard output"
}
