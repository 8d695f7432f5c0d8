package main

import (
	"time"

	"gcat/internal/cli"
)

// gcat is the command line, and what is made of it.
type gcat struct {
	UDP     bool         `short:"u" name:"udp" group:"connect" help:"Datagrams."`
	Unix    bool         `short:"U" name:"unix" group:"connect" help:"A Unix socket."`
	IPv4    bool         `short:"4" name:"ipv4" group:"connect" help:"IPv4 only."`
	IPv6    bool         `short:"6" name:"ipv6" group:"connect" help:"IPv6 only."`
	Numeric bool         `short:"n" group:"connect" help:"No look-ups."`
	Source  string       `short:"s" placeholder:"ADDR" group:"connect" help:"Source address." filled:""`
	Port    string       `short:"p" placeholder:"PORT" group:"connect" help:"Source port." filled:""`
	Retry   cli.Duration `placeholder:"D" group:"connect" help:"Try again for up to D."`

	Timeout        *cli.Duration `short:"w" placeholder:"D" group:"time" help:"Connect and idle."`
	ConnectTimeout *cli.Duration `placeholder:"D" group:"time" help:"Connect (10s)."`
	IdleTimeout    *cli.Duration `placeholder:"D" group:"time" help:"No byte moved."`
	Deadline       cli.Duration  `placeholder:"D" group:"time" help:"The whole run."`
	QuitAfter      *cli.Duration `short:"q" placeholder:"D" group:"time" help:"After our end."`
	QuitAfterPeer  *cli.Duration `short:"Q" placeholder:"D" group:"time" help:"After its end."`

	Shutdown   string `enum:"write,both,none" default:"write" placeholder:"write|both|none" group:"end" help:"At our end."`
	NoShutdown bool   `name:"no-shutdown" group:"end" help:"As --shutdown none."`
	SendOnly   bool   `group:"end" help:"Drop what comes."`
	RecvOnly   bool   `short:"d" group:"end" help:"Read no input."`
	HalfClose  bool   `short:"N" group:"end" help:"Nothing: the half-close is the default."`

	Listen   bool   `short:"l" group:"listen" help:"For one peer."`
	KeepOpen bool   `short:"k" group:"listen" help:"For many."`
	MaxConns int    `default:"100" placeholder:"N" group:"listen" help:"At once (100)."`
	Backlog  int    `placeholder:"N" group:"listen" help:"Waiting peers."`
	Ready    string `placeholder:"FILE" type:"path" group:"listen" help:"Gets HOST:PORT once bound." filled:""`

	byteFlags
	datagramFlags
	scanFlags
	passFlags
	socketFlags
	tlsFlags
	proxyFlags
	execFlags
	brokerFlags
	peerFlags

	terminalFlags
	cli.Logging
	cli.Common

	Args []string `arg:"" optional:"" name:"dest" help:"Where to, or where to listen."`

	log     *cli.Log
	tally   *tally
	console *console
}

// connectLimit bounds look-up, connect and handshakes of a client: 10 s unless
// told otherwise, since nobody wants the kernel's two minutes.
func (g *gcat) connectLimit() time.Duration {
	switch {
	case g.ConnectTimeout != nil:
		return g.ConnectTimeout.D()
	case g.Timeout != nil:
		return g.Timeout.D()
	}
	return 10 * time.Second
}

// acceptLimit bounds the wait for the first peer.
func (g *gcat) acceptLimit() time.Duration {
	if g.ConnectTimeout != nil {
		return g.ConnectTimeout.D()
	}
	return 0
}

// idleLimit is how long nothing may move.
func (g *gcat) idleLimit() time.Duration {
	switch {
	case g.IdleTimeout != nil:
		return g.IdleTimeout.D()
	case g.Timeout != nil:
		return g.Timeout.D()
	}
	return 0
}

// quit is -q or -Q as the relay wants it: negative is for ever, as in nc.
func quit(d *cli.Duration) *time.Duration {
	if d == nil || *d < 0 {
		return nil
	}
	limit := d.D()
	return &limit
}
