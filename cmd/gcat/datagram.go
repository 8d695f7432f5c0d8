package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"time"

	"gcat/internal/conn"
	"gcat/internal/filter"
	"gcat/internal/tty"
)

// answerWait returns how long a client waits for answers after the end of its input:
// 0 is no wait, negative is no limit.
func (g *grammar) answerWait() time.Duration {
	if limit := cmp.Or(g.QuitAfter, g.Timeout); limit != nil {
		return limit.D()
	}
	return time.Second
}

// joins reports whether datagrams that have arrived together may be written to standard
// output by one write: no option looks at each, and standard output does not preserve
// message boundaries.
func (g *gcat) joins(stdio *conn.Stdio) bool {
	return !g.looksAtBytes() && !stdio.Terminal && !stdio.KeepsBounds()
}

// frames sets the size of datagrams to that of a frame, if where is a CAN bus.
func (g *gcat) frames(where place) {
	if n := where.FrameSize(); n > 0 && g.DatagramSize == nil {
		g.DatagramSize = &n
	}
}

// dropped reports the datagrams that the kernel dropped because our receive buffer was
// full, and returns the error that ended the conversation. On a CAN bus, which
// otherwise loses nothing, the drops are an error themselves; over UDP they are not.
func (g *gcat) dropped(where place, local string, r conn.Result) error {
	if r.Dropped == 0 {
		return r.Err
	}
	what := "datagram"
	if where.FrameSize() > 0 {
		what = "frame"
	}
	if r.Dropped > 1 {
		what += "s"
	}
	words := fmt.Errorf("%d %s dropped, the receive buffer was full (--rcvbuf)", r.Dropped, what)
	if r.Err == nil && where.FrameSize() > 0 {
		return &conn.Error{Why: conn.NotDelivered, Op: local, Err: words}
	}
	g.log.Infof(0, "%s: %v", local, words)
	return r.Err
}

// cut returns the function that finds the end of the first datagram in the input, if
// several may be sent at once; nil if each is read and sent alone.
func (g *gcat) cut() conn.Cut {
	switch {
	case g.looksAtBytes():
	case g.DatagramSize != nil:
		return (&filter.Blocks{Size: *g.DatagramSize}).First
	case g.Lines:
		return filter.FirstLine
	}
	return nil
}

// connectDatagrams is gcat as a client over datagrams.
func (g *gcat) connectDatagrams(ctx context.Context, where place) error {
	if where.Network == "j1939" {
		if err := conn.CheckJ1939(g.Source); err != nil {
			return usage(err)
		}
	}
	g.frames(where)
	d := g.dialer(where)
	if where.Unix() {
		d.LocalHost, d.LocalPath = "", g.Source
	}
	remote, err := d.DialDatagrams(ctx, where.Endpoint)
	if err != nil {
		return cause(ctx, err)
	}
	defer remote.Close()
	stdio := g.stdio()
	remote.Wait = g.answerWait()
	remote.Want = orZero(g.Datagrams)
	remote.Join, remote.Cut = g.joins(stdio), g.cut()
	remote.Moved = func(c net.Conn) { g.connected(g.named(c, where)) }
	p := g.named(remote.Conn(), where)
	g.connected(p)
	relay := g.datagramRelay(stdio, remote, p.name)
	defer g.tally.add(p.name, relay.Counts)()
	result := relay.Run(ctx)
	local := address(remote.Conn().LocalAddr())
	g.closed(local, p.name, "", result)
	return g.dropped(where, local, result)
}

// listenDatagrams is gcat as a listener over datagrams. There is one
// conversation, with one peer or with all.
func (g *gcat) listenDatagrams(ctx context.Context, where place) error {
	g.frames(where)
	remote, err := g.listenConfig().ListenDatagrams(ctx, where.Endpoint)
	if err != nil {
		return cause(ctx, err)
	}
	defer remote.Close()
	bound := conn.EndpointOf(remote.Addr())
	g.listening(bound)
	if err := g.ready(ctx, bound); err != nil {
		return err
	}
	stdio := g.stdio()
	remote.Keep = g.KeepOpen
	remote.Want = orZero(g.Datagrams)
	remote.Join, remote.Cut = g.joins(stdio), g.cut()
	remote.Limit = g.acceptLimit()
	remote.Heard = func(a net.Addr) { g.accepted(bound.Address(), datagramPeer(a)) }
	remote.Lost = func(err error) { g.log.Error(err) }
	relay := g.datagramRelay(stdio, remote, bound.Address())
	defer g.tally.add(bound.Address(), relay.Counts)()
	result := relay.Run(ctx)
	name := bound.Address()
	if a := remote.Peer(); a != nil {
		name = datagramPeer(a)
	}
	g.closed(bound.Address(), name, "", result)
	return g.dropped(where, bound.Address(), result)
}

// datagramPeer names the sender of a datagram; on Unix sockets it need not have
// an address.
func datagramPeer(a net.Addr) string {
	if a == nil {
		return "a peer without an address"
	}
	return address(a)
}

// datagramRelay is a relay without acknowledgements and half-closes.
func (g *gcat) datagramRelay(stdio *conn.Stdio, remote conn.Stream, peer string) *conn.Relay {
	afterPeer := new(time.Duration) // -W ends standard input, too, unless -Q is given
	if g.QuitAfterPeer != nil {
		afterPeer = quit(g.QuitAfterPeer)
	}
	shutdown := g.shutdown()
	if shutdown == conn.ShutNone {
		shutdown = conn.ShutWrite // a datagram socket has no sending half to leave open
	}
	return &conn.Relay{
		Local:         g.wrapLocal(g.local(stdio), true, !g.looksAtBytes()),
		Remote:        g.wrapRemote(remote, peer),
		Peer:          peer,
		Idle:          g.idleLimit(),
		QuitAfterPeer: afterPeer,
		Shutdown:      shutdown,
		SendOnly:      g.SendOnly,
		RecvOnly:      g.RecvOnly,
		OnPanic:       tty.OnPanic,
	}
}
