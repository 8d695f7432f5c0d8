// Package scan finds out which ports are open, many at once, and can wait until a
// port opens or closes.
package scan

import (
	"cmp"
	"context"
	"net"
	"slices"
	"time"

	"gcat/internal/conn"
)

// A Scan finds out which ports are open.
type Scan struct {
	// Dial connects to one port.
	Dial func(context.Context, conn.Endpoint) (net.Conn, error)
	// DialDatagrams opens a socket to one UDP port.
	DialDatagrams func(context.Context, conn.Endpoint) (*conn.Datagrams, error)
	// Parallel is how many ports are probed at once; 0 is 64. If the process runs out
	// of descriptors, fewer are from then on.
	Parallel int
	// Interval is the time between the starts of two probes.
	Interval time.Duration
	// Wait is how long to wait for the answer of a UDP port; 0 is no limit, negative
	// is no wait.
	Wait time.Duration
	// Retry is for how long a UDP port that refuses or is silent is probed again; 0 is
	// one probe. For other ports, Dial retries.
	Retry time.Duration
	// UntilClosed probes an open port again until it is closed or Retry has passed.
	// Dial must not retry then.
	UntilClosed bool
	// Report is called with each port's result, in the order of the ports.
	Report func(Result)
}

// Run probes all ports. It returns the cause of ctx if ctx ends first.
func (s *Scan) Run(ctx context.Context, ports []conn.Endpoint) (Results, error) {
	errs := make([]chan error, len(ports))
	for i := range errs {
		errs[i] = make(chan error, 1)
	}
	go s.probeAll(ctx, ports, errs, min(cmp.Or(s.Parallel, 64), len(ports)))
	results := Results{oneHost: oneHost(ports)}
	for i, e := range ports {
		r := Result{Endpoint: e, Name: e.Address()}
		if results.oneHost {
			r.Name = e.Port
		}
		select {
		case r.Err = <-errs[i]:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return results, conn.Cause(ctx, &conn.Error{Op: "connect to " + e.Address()})
		}
		s.Report(r)
		if r.Err == nil {
			results.open = append(results.open, r)
		} else {
			results.closed = append(results.closed, r)
		}
	}
	return results, nil
}

// probeAll probes the ports, at most parallel at a time. A probe that found no free
// descriptor is repeated after another probe has ended, and from then on no more run at
// once than had a descriptor; it fails only if it runs alone. probeAll ends when all ports are
// probed, or with ctx.
func (s *Scan) probeAll(ctx context.Context, ports []conn.Endpoint, errs []chan error, parallel int) {
	var (
		running int
		done    = make(chan probed, parallel)
		pause   <-chan time.Time // nil: the next probe may start
		queue   = make([]int, len(ports))
	)
	for i := range queue {
		queue[i] = i
	}
	for len(queue) > 0 || running > 0 {
		if pause == nil && running < parallel && len(queue) > 0 {
			i, alone := queue[0], parallel == 1
			queue = queue[1:]
			running++
			go func() { done <- probed{i, alone, s.probe(ctx, ports[i])} }() // ends with the probe
			if s.Interval > 0 {
				pause = time.After(s.Interval)
			}
			continue
		}
		select {
		case <-pause:
			pause = nil
		case p := <-done:
			running--
			if conn.ConnectKind(p.err) == conn.NoDescriptor && !p.alone {
				parallel = max(running, 1)
				queue = slices.Insert(queue, 0, p.i)
			} else {
				errs[p.i] <- p.err
			}
		case <-ctx.Done():
			return
		}
	}
}

// probed is the result of probing port i. alone reports that no other probe was
// running, which could have used the last descriptor.
type probed struct {
	i     int
	alone bool
	err   error
}
