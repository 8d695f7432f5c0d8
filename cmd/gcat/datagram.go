package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/filter"
)

// answerWait returns how long a client waits for answers after the end of its input:
// 0 is no wait, negative is no limit.
func (g *grammar) answerWait() time.Duration {
	if limit := cmp.Or(g.QuitAfter, g.Timeout); limit != nil {
		return limit.D()
	}
	return time.Second
}

// reportDropped reports the datagrams that the kernel dropped because our receive buffer
// was full, and returns the error that ended the conversation. On a CAN bus, which
// otherwise loses nothing, the drops are an error themselves; elsewhere they are not.
func (g *gcat) reportDropped(at conn.Endpoint, local string, r conn.Result) error {
	if r.Dropped == 0 {
		return r.Err
	}
	what := "datagram"
	if at.FrameSize() > 0 {
		what = "frame"
	}
	words := dropped(r.Dropped, what, "the receive buffer was full (--rcvbuf)")
	if at.FrameSize() > 0 && (r.Err == nil || conn.KindOf(r.Err) == conn.Timeout) { // the drops came first
		g.log.Error(r.Err)
		return &conn.Error{Why: conn.NotDelivered, Op: local, Err: words}
	}
	g.log.Infof(0, "%s: %v", local, words)
	return r.Err
}

// dropped says why n datagrams or frames were dropped.
func dropped(n int64, what, why string) error {
	if n > 1 {
		what += "s"
	}
	return fmt.Errorf("%d %s dropped, %s", n, what, why)
}

// datagramOptions returns how many datagrams are received, and whether those that come or
// are sent together move by one call: not if an option looks at each. Those received are
// also apart if standard output preserves message boundaries.
func (g *gcat) datagramOptions() conn.DatagramOptions {
	o := conn.DatagramOptions{Want: g.Datagrams}
	if g.looksAtBytes() {
		return o
	}
	switch {
	case g.DatagramSize > 0:
		o.Cut = (&filter.Blocks{Size: g.DatagramSize}).First
	case g.Lines:
		o.Cut = filter.FirstLine
	}
	o.Batch = !g.stdio.Terminal && !g.stdio.KeepsBounds()
	return o
}

// connectDatagrams is gcat as a client over datagrams.
func (g *gcat) connectDatagrams(ctx context.Context, to conn.Endpoint) error {
	remote, err := g.dialer(to).DialDatagrams(ctx, to)
	if err != nil {
		return conn.Cause(ctx, err)
	}
	defer remote.Close()
	remote.Wait, remote.DatagramOptions = g.answerWait(), g.datagramOptions()
	if g.SendOnly || g.shutdown() == conn.ShutBoth {
		remote.Wait, remote.Want = 0, 0 // no answer is waited for
	}
	remote.Moved = func(c net.Conn) { g.connected(peerOf(c, to)) }
	p := peerOf(remote.Conn(), to)
	g.connected(p)
	relay := g.datagramRelay(g.local(), remote, p.name)
	result := relay.Run(ctx)
	p = peerOf(remote.Conn(), to) // it may have moved
	local := address(p.LocalAddr())
	g.closed(local, p.name, "", result)
	err = g.reportDropped(to, local, result)
	if to.Network == "j1939" && conn.KindOf(err) == conn.BadAddress && strings.Count(g.Source, ",") < 2 { // a NAME has to claim its address
		return cli.Hint(err, "type gcat -s ADDR "+to.String())
	}
	return err
}

// listenDatagrams is gcat as a listener over datagrams. There is one conversation, with
// one peer or with all.
func (g *gcat) listenDatagrams(ctx context.Context, at conn.Endpoint) error {
	remote, err := g.listenConfig().ListenDatagrams(ctx, at)
	if err != nil {
		return conn.Cause(ctx, err)
	}
	defer remote.Close()
	bound := conn.EndpointOf(remote.Addr())
	if err := g.listening(ctx, bound); err != nil {
		return err
	}
	remote.DatagramOptions = g.datagramOptions()
	remote.Keep, remote.Limit = g.KeepOpen, g.acceptLimit()
	remote.Heard = func(a net.Addr) { g.accepted(bound.Address(), address(a)) }
	remote.Lost = func(err error) { g.log.Error(err) }
	result := g.datagramRelay(g.local(), remote, bound.Address()).Run(ctx)
	name := bound.Address()
	if a := remote.Peer(); a != nil {
		name = address(a)
	}
	g.closed(bound.Address(), name, "", result)
	return g.reportDropped(at, bound.Address(), result)
}

// datagramRelay is a relay without acknowledgements and half-closes.
func (g *gcat) datagramRelay(local, remote conn.Stream, peer string) *conn.Relay {
	relay := g.relay(local, remote, peer)
	if g.QuitAfterPeer == nil {
		relay.QuitAfterPeer = new(time.Duration) // -W ends standard input, too
	}
	if relay.Shutdown == conn.ShutNone {
		relay.Shutdown = conn.ShutWrite // a datagram socket has no sending half to leave open
	}
	return relay
}
