package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/scan"
)

// lookupMemory is how long a scan that retries remembers that a look-up failed: less than
// the shortest pause between two tries, so that each looks the name up again.
// (TestNamespaceRetry)
const lookupMemory = 40 * time.Millisecond

// scan reports which ports are open.
func (g *gcat) scan(ctx context.Context, targets []conn.Endpoint) error {
	targets = g.resolvePorts(ctx, targets)
	d := g.dialer(targets[0])
	memory := time.Duration(0) // no limit
	if g.Retry > 0 {
		memory = lookupMemory
	}
	d.Resolver = d.Resolver.Memo(memory)
	d.Retry = 0 // scan.Scan repeats datagrams, and what is to be closed
	var output error
	s := &scan.Scan{
		Dial: func(ctx context.Context, to conn.Endpoint) (net.Conn, error) {
			one := *d
			one.Upgrade = g.upgrade(to)
			if !g.Closed {
				one.Retry = g.Retry.D()
			}
			return one.Dial(ctx, g.firstHop(to))
		},
		DialDatagrams: d.DialDatagrams,
		Parallel:      g.Parallel,
		Retry:         g.Retry.D(),
		Interval:      g.Interval.D(),
		Wait:          g.probeWait(),
		UntilClosed:   g.Closed,
		Report: func(r scan.Result) {
			several := len(targets) > 1
			if several || (r.Err == nil) != g.Closed || g.log.JSON { // else the diagnostic reports it
				g.logPort(r)
			}
			if several && r.Err == nil && output == nil {
				output = cli.Interruptible(ctx, func() error {
					_, err := fmt.Fprintln(os.Stdout, r.Name)
					return err
				})
			}
		},
	}
	results, err := s.Run(ctx, targets)
	switch {
	case output != nil:
		return conn.Cause(ctx, &conn.Error{Why: conn.Local, Op: "standard output", Err: output})
	case err != nil:
		return err
	case g.Closed:
		return results.AllClosed()
	}
	return results.AllOpen()
}

// resolvePorts replaces service names by port numbers, removes duplicates, and loads the
// system's certificates. Look-ups and certificates open files, which would fail
// during the scan if it has taken all descriptors.
func (g *gcat) resolvePorts(ctx context.Context, targets []conn.Endpoint) []conn.Endpoint {
	r := conn.Resolver{Numeric: g.Numeric}
	seen := make(map[conn.Endpoint]bool)
	var resolved []conn.Endpoint
	for _, p := range targets {
		if !p.Unix() {
			if n, err := r.Port(ctx, p); err == nil { // else the probe of this port reports the error
				p.Port = strconv.Itoa(int(n))
			}
		}
		if !seen[p] {
			seen[p] = true
			resolved = append(resolved, p)
		}
	}
	if len(g.trust) > 0 {
		_, _ = x509.SystemCertPool() // the handshakes report an error
	}
	return resolved
}

// probeWait is how long a scan waits for the answer of a UDP port: the connect limit if
// it was given, else -q, -w or 1 s, as for a client. As the scan has it, 0 is no limit,
// and negative is no wait, which -q 0 and -w 0 ask for.
func (g *gcat) probeWait() time.Duration {
	if g.ConnectTimeout != nil {
		return g.ConnectTimeout.D()
	}
	if g.answerWait() == 0 {
		return -1
	}
	return max(g.answerWait(), 0) // a negative -q is no limit
}

// logPort logs one port with -v.
func (g *gcat) logPort(r scan.Result) {
	state, words := r.State()
	at := r.Endpoint.Address()
	var port any = r.Endpoint.Port
	if n, err := strconv.Atoi(r.Endpoint.Port); err == nil {
		port = n
	}
	g.log.Event(1, "port", at+": "+words, "remote", at, "port", port, "state", state)
}
