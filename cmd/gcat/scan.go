package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/scan"
)

// known does what would fail in the middle of a scan once that has taken all
// descriptors: it puts numbers in the place of services' names, and loads the
// authorities that TLS trusts.
func (g *gcat) known(ctx context.Context, targets []place) []place {
	r := conn.Resolver{Numeric: g.Numeric}
	seen := make(map[string]bool)
	var known []place
	for _, e := range targets {
		if !e.Unix() {
			if n, err := r.Port(ctx, e.Endpoint); err == nil { // else its try says what is wrong
				e.Port = strconv.Itoa(int(n))
			}
		}
		if !seen[e.Port] {
			seen[e.Port] = true
			known = append(known, e)
		}
	}
	if g.tls != nil {
		_, _ = x509.SystemCertPool() // the handshakes say what is wrong
	}
	return known
}

// scan reports which ports are open.
func (g *gcat) scan(ctx context.Context, targets []place) error {
	targets = g.known(ctx, targets)
	d := g.dialer(targets[0])
	forget := time.Duration(0)
	if g.Retry > 0 {
		forget = 40 * time.Millisecond // the next try asks again
	}
	d.Resolver = d.Resolver.Memo(forget)
	datagrams := *d
	datagrams.Retry = 0 // the question is what is repeated
	s := &scan.Scan{
		Dial: func(ctx context.Context, e conn.Endpoint) (net.Conn, error) {
			one := *d
			to := place{e, g.tls != nil}
			one.Upgrade = g.upgrade(to)
			return one.Dial(ctx, g.first(to))
		},
		DialDatagrams: datagrams.DialDatagrams,
		Retry:         g.Retry.D(),
		Interval:      g.Interval.D(),
		Wait:          g.knockLimit(),
	}
	if g.Parallel != nil {
		s.Parallel = *g.Parallel
	}
	several := len(targets) > 1
	var closed closedPorts
	var output error
	s.Report = func(r scan.State) {
		if several || r.Err == nil || g.log.JSON { // else the diagnostic says it
			g.logPort(r)
		}
		if r.Err != nil {
			closed.add(r)
		} else if several && output == nil {
			_, output = fmt.Fprintln(os.Stdout, r.Endpoint.Port)
		}
	}
	endpoints := make([]conn.Endpoint, len(targets))
	for i, t := range targets {
		endpoints[i] = t.Endpoint
	}
	if err := s.Run(ctx, endpoints); err != nil {
		return err
	}
	if output != nil {
		return &conn.Error{Why: conn.Local, Op: "standard output", Err: output}
	}
	return closed.failure(len(targets))
}

// knockLimit is how long a UDP port may be silent: the connect limit if it was
// given, else as long as a client waits for an answer. With -w 0 that is not at
// all.
func (g *gcat) knockLimit() time.Duration {
	switch {
	case g.ConnectTimeout != nil:
		return g.ConnectTimeout.D()
	case g.Timeout == nil:
		return time.Second
	case *g.Timeout == 0:
		return -1
	}
	return g.Timeout.D()
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

// portValue is a port as a log line has it: a number if it is one.
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

// reason is why a port is not open, without what was tried: the port itself. A
// proxy that cannot be reached stays named.
func reason(r scan.State) string {
	if e, ok := errors.AsType[*conn.Error](r.Err); ok && e.Err != nil && e.Op == "connect to "+r.Endpoint.Address() {
		return conn.Words(e.Err)
	}
	return conn.Words(r.Err)
}

// closedPorts collects the ports that are not open.
type closedPorts struct {
	why   []string            // in the order in which they came up
	ports map[string][]string // by why
	host  string
	first error
	late  error // the first that passed its limit
}

func (c *closedPorts) add(r scan.State) {
	if c.ports == nil {
		c.ports = make(map[string][]string)
		c.first, c.host = r.Err, r.Endpoint.Host
	}
	if c.late == nil && kind(r.Err) == conn.Timeout {
		c.late = r.Err
	}
	why := reason(r)
	if c.ports[why] == nil {
		c.why = append(c.why, why)
	}
	c.ports[why] = append(c.ports[why], r.Endpoint.Port)
}

// failure is nil if all ports were open. That a limit passed decides the
// status.
func (c *closedPorts) failure(asked int) error {
	if c.first == nil {
		return nil
	}
	if asked == 1 {
		return c.first
	}
	why := kind(c.first)
	if c.late != nil {
		why = conn.Timeout
	}
	var words []string
	for _, w := range c.why {
		words = append(words, fmt.Sprintf("port %s: %s", ranges(c.ports[w]), w))
	}
	host := c.host
	if host == "" {
		host = "localhost"
	}
	return &conn.Error{Why: why, Op: "connect to " + host, Err: errors.New(strings.Join(words, "; "))}
}

// ranges shortens runs of ports: 1-3,7.
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
