package main

import (
	"cmp"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/echo"
	"gcat/internal/tlsconn"
)

// A gecho is one run of the command: the flags, and what is derived from them.
type gecho struct {
	*grammar
	log    *cli.Log
	handed []echo.Socket // by --inetd or LISTEN_FDS
	to     conn.Endpoint // the endpoint of --to
}

// run is the command: it binds the endpoints, prints their addresses and serves.
func (g *gecho) run() error {
	server, endpoints, err := g.prepare()
	if err != nil {
		return err
	}
	if err := conn.StartPoller(); err != nil {
		return err
	}
	signalled, again := g.catch(&server.Totals)
	sockets, err := g.open(signalled, server, endpoints)
	if err = cmp.Or(context.Cause(signalled), err); err != nil {
		closeAll(sockets)
		return err
	}
	own, ok := sockets[0].Conn.(*stdio)
	if !ok {
		return g.serve(signalled, again, server, sockets)
	}
	report := server.Report
	server.Report = func(e echo.Event) {
		if e.Kind != echo.Failed || own.failed.Load() == nil { // that error is returned at the end
			report(e)
		}
	}
	err = g.serve(signalled, again, server, sockets)
	if failed := own.failed.Load(); failed != nil {
		return failed
	}
	return err
}

// prepare reads what the command line names, and makes the server.
func (g *gecho) prepare() (server *echo.Server, endpoints []conn.Endpoint, err error) {
	if g.handed, err = g.handedOver(); err != nil {
		return nil, nil, err
	}
	if endpoints, err = g.endpoints(); err != nil {
		return nil, nil, err
	}
	if err := g.refuse(endpoints); err != nil {
		return nil, nil, err
	}
	rules, err := conn.ParseRules(g.Allow, g.Deny)
	if err != nil {
		return nil, nil, cli.Usagef("%v", err)
	}
	server = g.server()
	if !rules.IsZero() {
		server.Permits = rules.Permits
	}
	if server.Script, err = g.readSteps(); err != nil {
		return nil, nil, err
	}
	server.To, err = g.target()
	return server, endpoints, err
}

// server is the server that the options describe.
func (g *gecho) server() *echo.Server {
	s := &echo.Server{
		Service: g.Service.kind, Size: g.Service.size,
		Idle: g.Timeout.D(), Deadline: g.Deadline.D(), Farewell: string(g.Farewell),
		Greeting: string(g.Greeting), Suffix: string(g.Suffix), Reply: (*echo.Template)(g.Reply),
		Lines: g.Lines, MaxLine: int(g.MaxLine), Control: g.Control, CloseAfterReply: g.CloseAfterReply,
		ParseDuration: cli.ParseDuration,
		MaxConns:      g.MaxConns, Count: g.Count, LoopGuard: g.LoopGuard,
		Report: reporter(g.log), Trace: g.log.Enabled(1),
		Faults: g.faults(),
	}
	if g.Once {
		s.Count = 1
	}
	return s
}

var hows = map[string]echo.How{"close": echo.Close, "reset": echo.Reset, "hang": echo.Hang, "hold": echo.Hang}

func (g *gecho) faults() echo.Faults {
	f := echo.Faults{
		FailFirst: g.FailFirst, Fail: hows[g.Fail], NoAccept: g.NoAccept, NoRead: g.NoRead, OnEOF: hows[g.OnEOF],
		Delays: g.Delay, TLS: tlsconn.Fault(g.TLSFault), Rate: int64(g.Rate), Chunk: int(g.Chunk),
		Corrupt: float64(g.Corrupt), Loss: float64(g.Loss), Duplicate: float64(g.Duplicate), Reorder: float64(g.Reorder),
		Spared: 1 - float64(g.FaultRate), Seed: rand.Uint64N(1_000_000),
	}
	for how, at := range []*point{echo.Close: g.CloseAfter, echo.Reset: g.ResetAfter, echo.Hang: g.StallAfter, echo.Halved: g.HalfCloseAfter} {
		if at != nil {
			f.Limits = append(f.Limits, echo.Limit{How: echo.How(how), Bytes: at.bytes, Time: at.time})
		}
	}
	if g.Seed != nil {
		f.Seed = *g.Seed
	} else if f.Random() {
		g.log.Infof(1, "the faults are those of --seed %d", f.Seed)
	}
	return f
}

// announce prints the addresses on standard output, in one write, now that
// connections are accepted there.
func announce(log *cli.Log, sockets []echo.Socket) error {
	var out strings.Builder
	for _, s := range sockets {
		if s.Conn != nil || s.Name == inetd {
			continue
		}
		out.WriteString(s.Name + "\n")
		log.Event(1, "listening", "listening on "+s.Name, "local", s.Name)
	}
	if out.Len() == 0 {
		return nil
	}
	if _, err := io.WriteString(os.Stdout, out.String()); err != nil {
		return cli.Failf(cli.Local, "standard output: %s", conn.Words(err))
	}
	return nil
}

// serve serves until --count is reached or signalled ends, and ends at once with again.
func (g *gecho) serve(signalled, again context.Context, server *echo.Server, sockets []echo.Socket) error {
	if err := cli.Interruptible(signalled, func() error { return announce(g.log, sockets) }); err != nil {
		closeAll(sockets)
		return err
	}
	served := make(chan int, 1)
	go func() { served <- server.Serve(signalled, g.Grace.D(), sockets) }() // ends by itself, or with the process
	select {
	case closed := <-served:
		reportTotals(g.log, 1, &server.Totals)
		if closed > 0 {
			return cli.Failf(cli.TimedOut, "%s did not finish within %v and had to be closed", connections(closed), g.Grace.D())
		}
		if server.Totals.Gone.Load() == int64(len(sockets)) {
			return cli.Failf(cli.Broken, "no endpoint is left")
		}
		return g.followed(&server.Totals)
	case <-again.Done():
		closeAll(sockets)
		reportTotals(g.log, 1, &server.Totals)
		if open := server.Totals.Now.Load(); open > 0 {
			return cli.Failf(cli.TimedOut, "ended at once with %s open", connections(int(open)))
		}
		return nil
	}
}

// followed is the error of clients that did not follow the script. Without --once and
// --count there is none: the number of clients is open.
func (g *grammar) followed(t *echo.Totals) error {
	strayed, slow := t.Strayed.Load(), t.TooSlow.Load()
	switch {
	case !g.Once && g.Count == 0:
	case strayed > 0:
		return cli.Failf(cli.Broken, "%s did not follow %q", connections(int(strayed)), cmp.Or(g.Script, g.Replay))
	case slow > 0:
		return cli.Failf(cli.TimedOut, "%s did not reach the end of %q in time", connections(int(slow)), cmp.Or(g.Script, g.Replay))
	}
	return nil
}

// stopping are the signals that end the server.
var stopping = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// catch starts catching signals, before anything is opened, so that bound sockets are
// closed in order. The first that ends the server ends signalled, whose cause is a
// [cli.Interrupted], and the second ends again. [cli.ReportSignals] print the totals.
func (g *gecho) catch(totals *echo.Totals) (signalled, again context.Context) {
	signalled, stop := context.WithCancelCause(context.Background())
	again, end := context.WithCancel(context.Background())
	cli.Catch(func(sig os.Signal) {
		switch {
		case slices.Contains(cli.ReportSignals, sig):
			reportTotals(g.log, 0, totals)
		case signalled.Err() == nil:
			g.log.Infof(1, "%v: no more is accepted; connections have %v to finish", sig, g.Grace.D())
			stop(&cli.Interrupted{Signal: sig})
		default:
			end()
		}
	}, slices.Concat(stopping, cli.ReportSignals)...)
	return signalled, again
}
