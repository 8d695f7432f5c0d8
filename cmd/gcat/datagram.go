package main

import (
	"context"
	"math"
	"net"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/tty"
)

// datagramFlags are the options of sockets that keep the bounds of messages.
type datagramFlags struct {
	Datagrams    *int `short:"W" placeholder:"N" group:"bytes" help:"End after N."`
	Lines        bool `group:"bytes" help:"A datagram for each line."`
	DatagramSize *int `placeholder:"N" group:"bytes" help:"N bytes in each."`
}

// checkDatagrams refuses options of datagrams where there are none, and others
// where there are.
func (g *gcat) checkDatagrams(where conn.Endpoint) error {
	messages := where.Datagram() || where.Network == "unixpacket"
	datagrams := where.Datagram()
	sockets := ""
	if datagrams {
		sockets = kindOfSocket(where)
	}
	if outside(g.DatagramSize, 1, conn.MaxDatagram) {
		return cli.Usagef("--datagram-size must be from 1 to %d", conn.MaxDatagram)
	}
	for _, c := range []struct {
		refused bool
		words   string
	}{
		{outside(g.Datagrams, 1, math.MaxInt), "-W must be at least 1"},
		{g.Datagrams != nil && !messages, "-W needs -u"},
		{g.Lines && !messages, "--lines needs -u"},
		{g.DatagramSize != nil && !messages, "--datagram-size needs -u"},
		{g.Lines && g.DatagramSize != nil, "cannot use --lines with --datagram-size"},
		{g.Interval > 0 && g.DatagramSize != nil, "cannot use -i with --datagram-size"},
		{datagrams && g.Telnet, "cannot use -t with " + sockets},
		{datagrams && g.Backlog > 0, "cannot use --backlog with " + sockets},
		{datagrams && g.Listen && g.Source != "" && where.Unix(), "cannot use -s with -U and -l"},
		{g.Source != "" && where.Unix() && !datagrams, "cannot use -s with a Unix socket"},
		{g.Port != "" && where.Unix() && !g.Listen, "cannot use -p with a Unix socket"},
	} {
		if c.refused {
			return cli.Usagef("%s", c.words)
		}
	}
	return nil
}

// answerWait is for how long a client waits for answers after the end of its
// input: 0 is not at all, negative for ever.
func (g *gcat) answerWait() time.Duration {
	switch {
	case g.QuitAfter != nil:
		return g.QuitAfter.D()
	case g.Timeout != nil:
		return g.Timeout.D()
	}
	return time.Second
}

// connectDatagrams is gcat as a client over datagrams.
func (g *gcat) connectDatagrams(ctx context.Context, where conn.Endpoint) error {
	d := g.dialer(where)
	if where.Unix() {
		d.LocalHost, d.LocalPath = "", g.Source
	}
	remote, err := d.DialDatagrams(ctx, where)
	if err != nil {
		return cause(ctx, err)
	}
	defer remote.Close()
	stdio := g.stdio()
	remote.Progress = stdio.Progress
	remote.Wait = g.answerWait()
	if g.Datagrams != nil {
		remote.Need = *g.Datagrams
	}
	remote.Moved = func(c net.Conn) { g.connected(c, where) }
	g.connected(remote.Conn(), where)
	relay := g.datagramRelay(stdio, remote, g.peerName(remote.Conn(), where))
	defer g.counting(relay)()
	result := relay.Run(ctx)
	g.closedAt(address(remote.Conn().LocalAddr()), relay, result)
	return result.Err
}

// listenDatagrams is gcat as a listener over datagrams. There is one
// conversation, whoever takes part in it.
func (g *gcat) listenDatagrams(ctx context.Context, where conn.Endpoint) error {
	remote, err := g.listenConfig().ListenDatagrams(ctx, where)
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
	if stdio.Progress == nil { // with -k
		stdio.Progress = new(conn.Progress)
	}
	remote.Progress = stdio.Progress
	remote.Keep = g.KeepOpen
	remote.Limit = g.acceptLimit()
	remote.Heard = func(a net.Addr) {
		g.log.Event(1, cli.Event{
			Name:   "accepted",
			Text:   "accepted " + datagramPeer(a),
			Fields: []cli.Field{{Key: "local", Value: bound.Address()}, {Key: "remote", Value: datagramPeer(a)}},
		})
	}
	remote.Lost = func(err error) { g.log.Error(err) }
	relay := g.datagramRelay(stdio, remote, bound.Address())
	defer g.counting(relay)()
	result := relay.Run(ctx)
	last := conn.Relay{Peer: bound.Address()}
	if a := remote.Peer(); a != nil {
		last.Peer = datagramPeer(a)
	}
	g.closedAt(bound.Address(), &last, result)
	return result.Err
}

// datagramPeer names whoever sent a datagram; the senders on Unix sockets need
// not have an address.
func datagramPeer(a net.Addr) string {
	if a == nil {
		return "a peer without an address"
	}
	return address(a)
}

// datagramRelay is a relay without acknowledgements and half-closes.
func (g *gcat) datagramRelay(stdio *conn.Stdio, remote conn.Stream, peer string) *conn.Relay {
	afterPeer := new(time.Duration) // -W ends our input, too, unless -Q gives it time
	if g.QuitAfterPeer != nil {
		afterPeer = quit(g.QuitAfterPeer)
	}
	shutdown := conn.ShutWrite // "none" has nothing to leave open
	if g.Shutdown == "both" {
		shutdown = conn.ShutBoth
	}
	return &conn.Relay{
		Local:         g.wrapLocal(g.local(stdio), stdio.Progress, true),
		Remote:        g.wrapRemote(remote, peer),
		Stdio:         stdio,
		Peer:          peer,
		Progress:      stdio.Progress,
		Idle:          g.idleLimit(),
		QuitAfterPeer: afterPeer,
		Shutdown:      shutdown,
		SendOnly:      g.SendOnly,
		RecvOnly:      g.RecvOnly,
		Guard:         tty.OnPanic,
	}
}
