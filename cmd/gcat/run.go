package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"

	"gcat/internal/broker"
	"gcat/internal/cli"
	"gcat/internal/command"
	"gcat/internal/conn"
	"gcat/internal/filter"
	"gcat/internal/proxy"
	"gcat/internal/tlsconn"
	"gcat/internal/tty"
)

// A gcat is one run of the command: the flags, what is derived from them, and what its
// conversations share.
type gcat struct {
	*grammar
	log      *cli.Log
	tally    conn.Tally
	stdio    conn.Stdio           // standard input and output; with -k they stay open between peers
	terminal func() *tty.Terminal // opens it, once; nil is none

	tls    *tls.Config            // of the listener; nil is no TLS
	trust  map[string]*tls.Config // of connections that we open, by the peer's host
	via    *proxy.Proxy           // nil is no proxy
	rules  conn.Rules
	dump   *filter.Dump  // open; nil is none
	to     conn.Endpoint // the endpoint of --to
	handed conn.Handed   // the socket that a service manager passes, else zero
	room   *broker.Room  // of --broker and --chat; nil is neither
}

// main runs the command, from the parsed command line to the error that decides the
// exit status.
func (g *gcat) main() error {
	targets, badTarget := g.targets()
	badTo := g.parseTo()
	if err := cmp.Or(g.refuse(targets), badTarget, badTo); err != nil {
		return err
	}
	if err := conn.StartPoller(); err != nil {
		return err
	}
	cli.WriteStderrBy(tty.Notice) // the log and a hex dump disturb no line that is being typed
	g.terminal = sync.OnceValue(g.openTerminal)
	g.stdio.Terminal, g.stdio.KeepOpen = tty.IsTerminal(os.Stdout), g.KeepOpen
	defer tty.Restore()
	ctx, done := g.deadline(g.signals())
	defer done()
	if err := g.prepare(ctx, targets); err != nil {
		return err
	}
	err := g.runMode(ctx, targets)
	if conn.OutputClosed(err) {
		err = &cli.Interrupted{Signal: syscall.SIGPIPE}
	}
	return g.closeDump(err)
}

// targets returns the targets of the run. -l without an address listens on the
// socket that a service manager passes, if there is one.
func (g *gcat) targets() ([]conn.Endpoint, error) {
	if !g.Listen || len(g.Args) > 0 || g.Port != "" {
		return g.operandTargets()
	}
	sockets, err := conn.HandedOver()
	switch {
	case err != nil:
		return nil, err
	case len(sockets) == 0:
		return g.operandTargets()
	case len(sockets) > 1:
		return nil, cli.Failf(cli.Local, "LISTEN_FDS hands over %d sockets: gcat listens on one", len(sockets))
	}
	g.handed = sockets[0]
	e := conn.EndpointOf(g.handed.Addr())
	if g.Unix && !e.Unix() {
		return nil, cli.Usagef("cannot use -U with %q", e)
	}
	at, err := g.checkScheme(e.String(), e)
	at.TLS = g.TLS
	return []conn.Endpoint{at}, err
}

// runMode runs the mode that the flags select, with one target, or with -z with all.
func (g *gcat) runMode(ctx context.Context, targets []conn.Endpoint) error {
	at := targets[0]
	switch {
	case g.Scan:
		return g.scan(ctx, targets)
	case g.PassFD:
		return g.pass(ctx, at)
	case g.Listen && at.Datagram() && g.To != "":
		return g.forwardDatagrams(ctx, at)
	case g.Listen && at.Datagram():
		return g.listenDatagrams(ctx, at)
	case g.Listen:
		return g.listen(ctx, at)
	case at.Datagram():
		return g.connectDatagrams(ctx, at)
	}
	return g.connect(ctx, at)
}

// prepare reads the access rules, keys and certificates, opens the dump, and asks for the
// password, before a socket is opened.
func (g *gcat) prepare(ctx context.Context, targets []conn.Endpoint) (err error) {
	if g.rules, err = conn.ParseRules(g.Allow, g.Deny); err != nil {
		return usage(err)
	}
	g.DatagramSize = cmp.Or(g.DatagramSize, targets[0].FrameSize()) // on a CAN bus a datagram is a frame
	dialled := targets
	if g.Listen {
		dialled = []conn.Endpoint{g.to}
	}
	if g.via, err = g.parseProxy(dialled); err != nil {
		return err
	}
	if g.Broker || g.Chat {
		g.room = &broker.Room{Chat: g.Chat}
	}
	err = cli.Interruptible(ctx, func() error {
		if err := g.loadTLS(targets[0], dialled); err != nil {
			return err
		}
		return g.openDump()
	})
	if errors.Is(err, tlsconn.ErrNoKey) && g.TLSKey == "" {
		return cli.Hint(err, "--tls-key FILE names the private key of --tls-cert")
	}
	if err != nil {
		return err
	}
	return g.askPassword(ctx)
}

// deadline ends ctx when the time of --deadline has passed.
func (g *gcat) deadline(ctx context.Context) (limited context.Context, done func()) {
	d := g.Deadline.D()
	if d <= 0 {
		return ctx, func() {}
	}
	passed := &conn.Error{Why: conn.Timeout, Err: fmt.Errorf("the run took longer than %v (deadline)", d)}
	return context.WithTimeoutCause(ctx, d, passed)
}

// signals returns a context that a signal ends; its cause is the signal. A second
// signal ends the process, and the commands of -e, at once. A signal that was ignored
// when gcat started (nohup) stays ignored. Those of [cli.ReportSignals] log the counts
// so far instead.
//
// Signals are caught before anything is opened: if a signal killed the process with
// unread data in the socket, the kernel would reset the connection.
func (g *gcat) signals() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	ending := []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}
	cli.Catch(func(s os.Signal) {
		switch {
		case slices.Contains(cli.ReportSignals, s):
			g.reportCounts()
		case slices.Contains(ending, s) && ctx.Err() == nil:
			tty.Restore()
			cancel(&cli.Interrupted{Signal: s})
		default:
			tty.Restore()
			command.Kill()
			cli.DieOf(s)
		}
	}, slices.Concat(ending, cli.Unused, cli.ReportSignals)...)
	return ctx
}
