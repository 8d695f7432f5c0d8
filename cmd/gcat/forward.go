package main

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
)

// forward connects to the endpoint of --to and relays between that connection and the
// peer's. It closes both. If the endpoint cannot be reached, the peer's connection is
// reset; if the peer is gone meanwhile, the dial ends.
func (g *gcat) forward(ctx context.Context, p peer) error {
	start, bound := time.Now(), address(p.LocalAddr())
	remote := g.streamOf(p)
	dialing, stop := conn.SocketBelow(remote).UntilGone(ctx, p.name, g.to.Address())
	to, err := g.dial(dialing, g.to)
	stop()
	if err != nil {
		_ = conn.Reset(p.Conn)
		g.closed(bound, p.name, g.to.Address(), unreached(ctx, start))
		return err
	}
	relay := g.relay(g.streamOf(to), remote, p.name)
	relay.To = to.name
	result := relay.Run(ctx)
	g.closed(bound, p.name, to.name, result)
	return result.Err
}

// unreached is the result for a peer for which the endpoint of --to was not reached.
func unreached(ctx context.Context, start time.Time) conn.Result {
	return conn.Result{EndedBy: conn.EndedBy(ctx, "local"), Duration: time.Since(start)}
}

// refuseSelf refuses an endpoint of --to that is the listener's own: each peer would make
// the next, until no slot is free.
func (g *gcat) refuseSelf(ctx context.Context, bound net.Addr) error {
	if g.To == "" || !g.firstHop(g.to).Reaches(ctx, conn.Resolver{Numeric: g.Numeric}, bound) {
		return nil
	}
	return cli.Usagef("cannot use --to %s: it is our own address, %s", g.To, conn.EndpointOf(bound))
}

// forwardDatagrams connects each peer of a datagram socket to the endpoint of --to by a
// socket of its own. Without -k it serves one peer and ends with it.
func (g *gcat) forwardDatagrams(ctx context.Context, at conn.Endpoint) error {
	socket, err := g.listenConfig().ListenPacket(ctx, at)
	if err != nil {
		return conn.Cause(ctx, err)
	}
	l := conn.NewDatagramPeers(socket)
	defer l.Close()
	defer context.AfterFunc(ctx, l.Drain)() // ends Accept
	if err := g.refuseSelf(ctx, l.Addr()); err != nil {
		return err
	}
	l.Keep, l.Most = g.KeepOpen, g.maxConns()
	bound := conn.EndpointOf(l.Addr())
	if err := g.listening(ctx, bound); err != nil {
		return err
	}
	var peers sync.WaitGroup
	relays, end := context.WithCancelCause(context.WithoutCancel(ctx)) // ends when Accept has ended
	var only error                                                     // how the only peer ended
	for {
		p, err := l.Accept()
		if err != nil {
			end(conn.Cause(ctx, err))
			peers.Wait()
			_ = g.reportDropped(at, bound.Address(), conn.Result{Dropped: l.Dropped()})
			if !g.KeepOpen && ctx.Err() == nil && errors.Is(err, net.ErrClosed) {
				return only
			}
			return conn.Cause(ctx, err)
		}
		g.accepted(bound.Address(), address(p.Addr()))
		peers.Go(func() {
			err := g.forwardPeer(relays, p, bound.Address())
			_ = p.Close()
			switch {
			case ctx.Err() != nil:
			case g.KeepOpen:
				g.log.Error(err)
			default:
				only = err
				_ = l.Close()
			}
		})
	}
}

// forwardPeer relays the datagrams of one peer until it is idle for too long.
func (g *gcat) forwardPeer(ctx context.Context, p *conn.DatagramPeer, local string) error {
	start := time.Now()
	// A peer that came just before ctx ends is forwarded, too.
	dialing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(closeLimit, stop) })()
	to, err := g.dialer(g.to).DialDatagrams(dialing, g.to)
	if err != nil {
		g.closed(local, address(p.Addr()), g.to.Address(), unreached(ctx, start))
		return conn.Cause(ctx, err)
	}
	defer to.Close()
	given := g.Timeout != nil || g.IdleTimeout != nil
	idle := g.idleLimit()
	if !given {
		idle = conn.PeerMemory
	}
	name := address(p.Addr())
	relay := g.datagramRelay(to, p, name)
	relay.To, relay.Idle = g.to.Address(), idle
	result := relay.Run(ctx)
	g.closed(local, name, g.to.Address(), result)
	if n := result.Dropped; n > 0 {
		g.log.Infof(0, "%s: %v", name, dropped(n, "datagram", "they came too fast or were too long to be forwarded"))
	}
	if conn.KindOf(result.Err) == conn.Timeout && (g.KeepOpen || !given) {
		return nil // an idle peer is not an error
	}
	return result.Err
}
