package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/scan"
)

// known resolves service names to port numbers, removes duplicates, and loads the
// system's certificates. These steps open files, which would fail during the scan if
// it has taken all descriptors.
func (g *gcat) known(ctx context.Context, targets []place) []place {
	r := conn.Resolver{Numeric: g.Numeric}
	seen := make(map[place]bool)
	var known []place
	for _, e := range targets {
		if !e.Unix() {
			if n, err := r.Port(ctx, e.Endpoint); err == nil { // else the try of this port reports the error
				e.Port = strconv.Itoa(int(n))
			}
		}
		if !seen[e] {
			seen[e] = true
			known = append(known, e)
		}
	}
	if len(g.trust) > 0 {
		_, _ = x509.SystemCertPool() // the handshakes report an error
	}
	return known
}

// scan reports which ports are open.
func (g *gcat) scan(ctx context.Context, targets []place) error {
	targets = g.known(ctx, targets)
	d := g.dialer(targets[0])
	forget := time.Duration(0)
	if g.Retry > 0 {
		forget = 40 * time.Millisecond // so that the next try looks the name up again
	}
	d.Resolver = d.Resolver.Memo(forget)
	datagrams := *d
	datagrams.Retry = 0 // scan.Scan repeats the datagrams
	if g.Closed {
		d.Retry = 0
	}
	tls := make(map[conn.Endpoint]bool)
	endpoints := make([]conn.Endpoint, len(targets))
	for i, t := range targets {
		endpoints[i], tls[t.Endpoint] = t.Endpoint, t.TLS
	}
	s := &scan.Scan{
		Dial: func(ctx context.Context, e conn.Endpoint) (net.Conn, error) {
			one := *d
			to := place{e, tls[e]}
			one.Upgrade = g.upgrade(to)
			return one.Dial(ctx, g.first(to))
		},
		DialDatagrams: datagrams.DialDatagrams,
		Retry:         g.Retry.D(),
		Interval:      g.Interval.D(),
		Wait:          g.knockLimit(),
		UntilClosed:   g.Closed,
	}
	if g.Parallel != nil {
		s.Parallel = *g.Parallel
	}
	all := results{oneHost: oneHost(targets), asked: len(targets)}
	var output error
	s.Report = func(r scan.State) {
		if len(targets) > 1 || (r.Err == nil) != g.Closed || g.log.JSON { // else the diagnostic reports it
			g.logPort(r)
		}
		all.add(r)
		if len(targets) > 1 && r.Err == nil && output == nil {
			_, output = fmt.Fprintln(os.Stdout, all.name(r.Endpoint))
		}
	}
	if err := s.Run(ctx, endpoints); err != nil {
		return err
	}
	if output != nil {
		return &conn.Error{Why: conn.Local, Op: "standard output", Err: output}
	}
	if g.Closed {
		return all.stillOpen()
	}
	return all.failure()
}

// knockLimit is how long a scan waits for the answer of a UDP port: the connect limit
// if it was given, else -q, -w or 1 s, as for a client. With -q 0 and -w 0 it does not
// wait.
func (g *gcat) knockLimit() time.Duration {
	if g.ConnectTimeout != nil {
		return g.ConnectTimeout.D()
	}
	limit := cmp.Or(g.QuitAfter, g.Timeout)
	switch {
	case limit == nil:
		return time.Second
	case *limit == 0:
		return -1
	}
	return max(limit.D(), 0) // a negative -q is no limit
}

// logPort logs one port with -v.
func (g *gcat) logPort(r scan.State) {
	state, words := "open", "open"
	if r.Err != nil {
		state, words = "closed", reason(r)
		switch {
		case kind(r.Err) == conn.Timeout && r.Endpoint.Datagram():
			state, words = "open-or-filtered", "open or filtered"
		case kind(r.Err) == conn.Timeout:
			state = "filtered"
		}
	}
	where := r.Endpoint.Address()
	g.log.Event(1, cli.Event{
		Name:   "port",
		Text:   where + ": " + words,
		Fields: []cli.Field{{Key: "remote", Value: where}, {Key: "port", Value: portValue(r.Endpoint.Port)}, {Key: "state", Value: state}},
	})
}

// portValue returns port as a number if it is one, for the log.
func portValue(port string) any {
	if n, err := strconv.Atoi(port); err == nil {
		return n
	}
	return port
}

func kind(err error) conn.Kind {
	if e, ok := errors.AsType[*conn.Error](err); ok {
		return e.Why
	}
	return conn.NoConnection
}

// reason returns why a port is not open, without its endpoint, which the caller names.
// The name of a proxy that cannot be reached stays.
func reason(r scan.State) string {
	if e, ok := errors.AsType[*conn.Error](r.Err); ok && e.Err != nil && e.Op == "connect to "+r.Endpoint.Address() {
		return conn.Words(e.Err)
	}
	return conn.Words(r.Err)
}

// results are the results of a scan.
type results struct {
	oneHost bool // the ports belong to one host
	asked   int
	open    []scan.State
	closed  []scan.State
}

func (all *results) add(r scan.State) {
	if r.Err == nil {
		all.open = append(all.open, r)
	} else {
		all.closed = append(all.closed, r)
	}
}

// name returns the port of e, or its whole address if there are several hosts.
func (all *results) name(e conn.Endpoint) string {
	if all.oneHost {
		return e.Port
	}
	return e.Address()
}

// oneHost reports whether all targets are ports of one host.
func oneHost(targets []place) bool {
	first := targets[0]
	return !first.Unix() && !slices.ContainsFunc(targets, func(p place) bool {
		return p.Host != first.Host || p.Network != first.Network || p.TLS != first.TLS
	})
}

// failure returns nil if all ports are open. If one passed a time limit, that decides
// the status.
func (all *results) failure() error {
	if len(all.closed) == 0 {
		return nil
	}
	if all.asked == 1 {
		return all.closed[0].Err
	}
	var reasons []string
	names := make(map[string][]string) // by reason
	why := kind(all.closed[0].Err)
	for _, r := range all.closed {
		if kind(r.Err) == conn.Timeout {
			why = conn.Timeout
		}
		words := reason(r)
		if names[words] == nil {
			reasons = append(reasons, words)
		}
		names[words] = append(names[words], all.name(r.Endpoint))
	}
	if !all.oneHost {
		for i, words := range reasons {
			reasons[i] = "connect to " + strings.Join(names[words], ", ") + ": " + words
		}
		return &conn.Error{Why: why, Err: errors.New(strings.Join(reasons, "; "))}
	}
	for i, words := range reasons {
		reasons[i] = "port " + ranges(names[words]) + ": " + words
	}
	host := cmp.Or(all.closed[0].Endpoint.Host, "localhost")
	return &conn.Error{Why: why, Op: "connect to " + host, Err: errors.New(strings.Join(reasons, "; "))}
}

// stillOpen returns nil if all ports are closed. A port that could not be tried, or
// that may be open, is not known to be closed.
func (all *results) stillOpen() error {
	for _, r := range all.closed {
		switch why := kind(r.Err); {
		case why == conn.Timeout && r.Endpoint.Datagram():
			return r.Err
		case why == conn.Refused, why == conn.Unreachable, why == conn.NotFound, why == conn.KernelGaveUp, why == conn.Timeout:
		default:
			return r.Err
		}
	}
	if len(all.open) == 0 {
		return nil
	}
	names := make([]string, len(all.open))
	for i, r := range all.open {
		names[i] = r.Endpoint.Address()
	}
	return &conn.Error{Why: conn.Timeout, Op: strings.Join(names, ", "), Err: errors.New("still open")}
}

// ranges joins ports with commas and shortens runs: 1-3,7.
func ranges(ports []string) string {
	var b strings.Builder
	for i := 0; i < len(ports); {
		first, err := strconv.Atoi(ports[i])
		j := i + 1
		for err == nil && j < len(ports) && ports[j] == strconv.Itoa(first+j-i) {
			j++
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(ports[i])
		if j > i+1 {
			b.WriteString("-" + ports[j-1])
		}
		i = j
	}
	return b.String()
}
