package main

import (
	"slices"
	"strings"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/tlsconn"
)

// A rule is a row of the table of conflicts.
type rule struct {
	of    string // options, separated by spaces
	not   string // options that each of them cannot be used with
	needs string // what each of them requires, in words; empty is nothing
	has   bool   // that is there
}

// rules returns the table of conflicts for the endpoints in list.
func (g *gecho) rules(list []conn.Endpoint) []rule {
	some := func(fits func(conn.Endpoint) bool) bool {
		return g.Inetd || len(g.handed) > 0 || slices.ContainsFunc(list, fits)
	}
	streams := some(func(e conn.Endpoint) bool { return !e.Datagram() })
	paths := some(func(e conn.Endpoint) bool { return e.Unix() && !e.Abstract() })
	secure := g.TLS || slices.ContainsFunc(list, func(e conn.Endpoint) bool { return e.TLS })
	ofStreams := "--script --replay --fail-first --on-eof --rate --chunk --close-after --reset-after --stall-after " +
		"--half-close-after --close-after-reply --control --lines --farewell --deadline --backlog"
	if g.To == "" {
		ofStreams += " --max-conns"
	}
	ofThrowAway := "--tls-ca-out"
	if tlsconn.Fault(g.TLSFault).OfCertificate() {
		ofThrowAway += " --tls-fault"
	}
	const says = "--reply --suffix --control --lines --greeting --close-after-reply --service"
	return []rule{
		{of: "--reply --suffix --control --lines --close-after-reply", not: "--service"},
		{of: "--script", not: "--replay"},
		{of: "--script --replay", not: says},
		{of: "--speed", needs: "--replay DUMP", has: g.Replay != ""},
		{of: "--to", not: "--script --replay --farewell --inetd " + says},
		{of: "--faults", needs: "--to ENDPOINT", has: g.To != ""},
		{of: "--once", not: "--count"},
		{of: "--no-accept", not: "--once --count --inetd"},
		{of: "--fail", needs: "--fail-first N", has: g.FailFirst > 0},
		{of: "--tls-ca --tls-name --tls-insecure", needs: "--to tls://HOST:PORT", has: g.to.TLS},
		{of: "--tls-insecure", not: "--tls-ca"},
		{of: ofThrowAway, not: "--tls-cert"},
		{
			of:    "--tls-cert --tls-ca-out --tls-fault --tls-alpn --tls-client-ca --tls-fingerprint",
			needs: "-c or a tls:// endpoint", has: secure,
		},
		{of: "--loss --duplicate --reorder", needs: "a udp:// or unixgram:// endpoint", has: some(conn.Endpoint.Datagram)},
		{of: "--mode", needs: "a Unix socket with a path", has: paths},
		{of: ofStreams, needs: "an endpoint with connections", has: streams},
	}
}

// refuse returns the usage error of options that cannot be combined, or that apply to none
// of the endpoints, before anything is opened.
func (g *gecho) refuse(list []conn.Endpoint) error {
	if err := g.refuseValues(); err != nil {
		return err
	}
	given := g.Given()
	for _, r := range g.rules(list) {
		for option := range strings.FieldsSeq(r.of) {
			if !given[option] {
				continue
			}
			for other := range strings.FieldsSeq(r.not) {
				if given[other] {
					return cli.Usagef("cannot use %s with %s", option, other)
				}
			}
			if r.needs != "" && !r.has {
				return cli.Usagef("%s needs %s", option, r.needs)
			}
		}
	}
	if g.Inetd && len(g.Endpoint) > 0 {
		return cli.Usagef("cannot use --inetd with an endpoint")
	}
	if err := g.tlsOptions().Check(); err != nil {
		return cli.Usagef("%v", err)
	}
	return g.refuseEndpoints(list)
}

// refuseEndpoints refuses endpoints that gecho cannot answer on, and those that do not
// fit the endpoint of --to.
func (g *gecho) refuseEndpoints(list []conn.Endpoint) error {
	for _, e := range list {
		if e.CAN() && e.Network != "isotp" && e.Network != "j1939" {
			return cli.Usagef("cannot answer on %s: two that do so on a bus would never end", e)
		}
	}
	if g.To == "" {
		return nil
	}
	for _, e := range append([]conn.Endpoint{g.to}, list...) {
		switch {
		case e.Network == "unixpacket":
			return cli.Usagef("cannot use --to with unixpacket endpoints")
		case e.Datagram() && (g.Once || g.Count > 0):
			return cli.Usagef("cannot use --to with --once or --count where there are datagrams: they have no end")
		case e.Datagram() != g.to.Datagram():
			return cli.Usagef("cannot hand %s on to %s: one has connections, the other datagrams", e.Network, g.to.Network)
		}
	}
	return nil
}

// refuseValues refuses numbers that have no meaning.
func (g *gecho) refuseValues() error {
	for _, d := range []struct {
		name  string
		value cli.Duration
	}{{"--timeout", g.Timeout}, {"--deadline", g.Deadline}, {"--grace", g.Grace}} {
		if d.value < 0 {
			return cli.Usagef("%s must not be negative", d.name)
		}
	}
	for _, n := range []struct {
		name  string
		value int64
	}{{"--count", g.Count}, {"--max-conns", int64(g.MaxConns)}, {"--backlog", int64(g.Backlog)},
		{"--fail-first", g.FailFirst}, {"--loop-guard", int64(g.LoopGuard)}} {
		if n.value < 0 || n.value > 1<<31-1 {
			return cli.Usagef("%s must be from 0 to 2147483647", n.name)
		}
	}
	if g.MaxLine < 0 || g.MaxLine > 1<<30 {
		return cli.Usagef("--max-line must be from 0 to 1G")
	}
	return nil
}
