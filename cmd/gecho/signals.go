package main

import (
	"context"
	"os"
	"slices"
	"sync/atomic"

	"gcat/internal/cli"
	"gcat/internal/echo"
)

// signals are the signals that end the server. They are caught before anything is
// opened, so that bound sockets are closed in order.
type signals struct {
	// first ends with the first signal that ends the server; its cause is a
	// [cli.Interrupted].
	first context.Context
	// again is closed by the second one.
	again chan struct{}
}

// catch starts catching signals. Those of asking print the totals.
func (g *gecho) catch(log *cli.Log, totals *echo.Totals) *signals {
	first, stop := context.WithCancelCause(context.Background())
	s := &signals{first: first, again: make(chan struct{})}
	var seen atomic.Int32
	cli.Catch(func(sig os.Signal) {
		if slices.Contains(asking, sig) {
			reportTotals(log, 0, totals)
			return
		}
		switch seen.Add(1) {
		case 1:
			log.Infof(1, "%v: no more is accepted; connections have %v to finish", sig, g.Grace.D())
			stop(&cli.Interrupted{Signal: sig})
		case 2:
			close(s.again)
		}
	}, slices.Concat(stopping, asking)...)
	return s
}
