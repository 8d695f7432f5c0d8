package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/tty"
)

// run is what the command does, from the parsed command line to the error that
// decides its status.
func (g *gcat) run(log *cli.Log) error {
	g.log = log
	if g.NoShutdown {
		g.Shutdown = "none"
	}
	where, targets, err := g.where()
	if err != nil {
		return err
	}
	if err := conn.StartPoller(); err != nil {
		return err
	}
	defer g.attend()()
	ctx, stop := g.signals(context.Background())
	defer stop()
	if d := g.Deadline.D(); d > 0 {
		var cancel context.CancelFunc
		passed := &conn.Error{Why: conn.Timeout, Err: fmt.Errorf("the run took longer than %v (deadline)", d)}
		ctx, cancel = context.WithTimeoutCause(ctx, d, passed)
		defer cancel()
		defer time.AfterFunc(d+orderly, func() { // whatever holds us up, such as a log that nobody reads
			tty.Restore()
			os.Exit(cli.TimedOut)
		}).Stop()
	}
	if err := g.prepare(ctx, where); err != nil {
		return err
	}
	err = g.closeDump(g.act(ctx, where, targets))
	if conn.OutputClosed(err) {
		return &cli.Interrupted{Signal: syscall.SIGPIPE}
	}
	return err
}

// orderly is how long an end in order may take at most once the deadline has passed.
const orderly = 5 * time.Second

// act does what was asked for at where, or, with -z, at all targets.
func (g *gcat) act(ctx context.Context, where conn.Endpoint, targets []conn.Endpoint) error {
	switch {
	case g.Scan:
		return g.scan(ctx, targets)
	case g.PassFD:
		return g.pass(ctx, where)
	case g.Listen && where.Datagram():
		return g.listenDatagrams(ctx, where)
	case g.Listen:
		return g.listen(ctx, where)
	case where.Datagram():
		return g.connectDatagrams(ctx, where)
	}
	return g.connect(ctx, where)
}

// prepare does what must be known to work before anything is opened: it reads
// keys and certificates, and asks for a password.
func (g *gcat) prepare(ctx context.Context, where conn.Endpoint) error {
	for _, check := range []func(conn.Endpoint) error{
		g.checkSocket, g.checkDatagrams, g.checkPass,
		g.checkTLS, g.checkProxy, g.checkPeers, g.checkExec, g.checkBroker,
	} {
		if err := check(where); err != nil {
			return err
		}
	}
	if g.TLS || g.Hexdump != "" {
		err := unlessEnded(ctx, func() error {
			if err := g.loadTLS(where); err != nil {
				return err
			}
			return g.openDump()
		})
		if err != nil {
			return err
		}
	}
	return g.askPassword(ctx)
}

// unlessEnded returns what use returns, or earlier the cause of ctx's end: to
// open a named pipe, and to read from it, is to wait for somebody else.
func unlessEnded(ctx context.Context, use func() error) error {
	used := make(chan error, 1)
	go func() { used <- use() }() // ends with the process if nobody comes
	select {
	case err := <-used:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// where is the endpoint that the command line names; for -z it is the first of
// the targets.
func (g *gcat) where() (where conn.Endpoint, targets []conn.Endpoint, err error) {
	switch {
	case g.Scan:
		if targets, err = g.targets(); err == nil {
			where = targets[0]
		}
	case g.Listen:
		where, err = g.place()
	default:
		where, err = g.destination()
	}
	return where, targets, err
}

// signals returns a context that ends when a signal asks the command to; the
// context's cause is the signal. A second signal ends the process at once. A
// signal that was ignored when the command started (nohup) stays ignored.
// Those of countSignals ask for the counts so far instead.
//
// They are caught before anything is opened: a process that a signal just killed
// would leave unread what has arrived, and the kernel would reset the connection
// for that.
func (g *gcat) signals(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	counts := make(chan struct{}, 1)
	go g.tellCounts(counts)
	again := false
	cli.Catch(func(s os.Signal) {
		switch {
		case slices.Contains(countSignals, s):
			select {
			case counts <- struct{}{}:
			default: // they are about to be told
			}
		case !again:
			again = true
			cancel(&cli.Interrupted{Signal: s})
		default:
			tty.Restore()
			cli.DieOf(s)
		}
	}, append([]os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}, countSignals...)...)
	return ctx, func() { cancel(nil) }
}

// cause is conn.Cause.
func cause(ctx context.Context, err error) error { return conn.Cause(ctx, err) }
