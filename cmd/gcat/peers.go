package main

import (
	"context"
	"net"

	"gcat/internal/cli"
	"gcat/internal/conn"
)

// peerFlags say who may connect.
type peerFlags struct {
	Allow []string `placeholder:"CIDR,..." group:"listen" help:"Who may connect." filled:""`
	Deny  []string `placeholder:"CIDR,..." group:"listen" help:"Who may not." filled:""`

	rules conn.Rules
}

// checkPeers reads the rules.
func (g *gcat) checkPeers(where conn.Endpoint) (err error) {
	if g.Allow == nil && g.Deny == nil {
		return nil
	}
	switch {
	case !g.Listen:
		return cli.Usagef("--allow and --deny need -l")
	case where.Unix() || where.Network == "vsock":
		return cli.Usagef("cannot use --allow and --deny with %s", where)
	case where.Datagram():
		return cli.Usagef("cannot use --allow and --deny with UDP, where anybody can bear any address")
	}
	g.rules, err = conn.ParseRules(g.Allow, g.Deny)
	return usage(err)
}

// A gate is a listener that closes the connections of peers who may not
// connect, before anything is read or sent.
type gate struct {
	net.Listener
	g *gcat
}

// guard puts the rules, if there are any, in front of l.
func (g *gcat) guard(l net.Listener) net.Listener {
	if g.rules.IsZero() {
		return l
	}
	return &gate{l, g}
}

// Accept returns the next peer that may connect.
func (l *gate) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || l.g.rules.Permits(c.RemoteAddr()) {
			return c, err
		}
		remote := address(c.RemoteAddr())
		l.g.log.Event(1, cli.Event{
			Name:   "refused-by-rule",
			Text:   "refused " + remote + " by rule",
			Fields: []cli.Field{{Key: "local", Value: address(c.LocalAddr())}, {Key: "remote", Value: remote}},
		})
		_ = c.Close()
	}
}

// meet holds the conversation with a peer, and closes c: with the other peers,
// with a command, or with our standard streams.
func (g *gcat) meet(ctx context.Context, c net.Conn, where conn.Endpoint, stdio *conn.Stdio) error {
	switch {
	case g.room != nil:
		return g.join(ctx, c, where)
	case g.Exec != "":
		return g.command(ctx, c, where)
	}
	return g.converse(ctx, c, where, stdio)
}

// talksItself reports whether standard input and output are a side of the
// conversation.
func (g *gcat) talksItself() bool { return !g.Broker && !g.Chat && g.Exec == "" }
