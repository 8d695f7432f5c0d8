package main

import (
	"context"
	"net"

	"gcat/internal/cli"
	"gcat/internal/conn"
)

// passFlags are the options of -F.
type passFlags struct {
	PassFD bool `short:"F" name:"pass-fd" group:"connect" help:"Hand the socket over standard output (SCM_RIGHTS)."`
}

// checkPass refuses what the receiver of the socket would have to do.
func (g *gcat) checkPass(where conn.Endpoint) error {
	if !g.PassFD {
		return nil
	}
	for _, c := range []struct {
		given bool
		name  string
	}{
		{g.Listen, "-l"}, {g.TLS || where.Network == "tls", "-c"}, {g.Exec != "", "-e"}, {g.CRLF, "-C"},
		{g.Telnet, "-t"}, {g.Interval > 0, "-i"}, {g.Rate > 0, "--rate"}, {g.Hexdump != "", "-o"},
		{g.Lines, "--lines"}, {g.Datagrams != nil, "-W"}, {g.DatagramSize != nil, "--datagram-size"},
		{g.SendOnly, "--send-only"}, {g.RecvOnly, "-d"}, {g.QuitAfter != nil, "-q"}, {g.QuitAfterPeer != nil, "-Q"},
	} {
		if c.given {
			return cli.Usagef("cannot use -F with %s", c.name)
		}
	}
	return conn.CanPass()
}

// pass connects and hands the socket to whoever is at the other end of standard
// output.
func (g *gcat) pass(ctx context.Context, where conn.Endpoint) error {
	var c net.Conn
	c, err := g.dial(ctx, where)
	if err != nil {
		return cause(ctx, err)
	}
	defer c.Close()
	g.connected(c, where)
	return conn.Pass(c)
}
