package main

import (
	"slices"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/tlsconn"
)

// rules returns the table of conflicts for the endpoints in list.
func (g *gecho) rules(list []conn.Endpoint) []cli.Rule {
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
	return []cli.Rule{
		{Of: "--reply --suffix --control --lines --close-after-reply", Not: "--service"},
		{Of: "--script", Not: "--replay"},
		{Of: "--script --replay", Not: says},
		{Of: "--on-eof", Not: "--script --replay"},
		{Of: "--speed", Lacks: "--replay DUMP", Unless: g.Replay != ""},
		{Of: "--to", Not: "--script --replay --farewell --inetd " + says},
		{Of: "--faults", Lacks: "--to ENDPOINT", Unless: g.To != ""},
		{Of: "--once", Not: "--count"},
		{Of: "--no-accept", Not: "--once --count --inetd"},
		{Of: "--inetd", With: "an endpoint", Unless: len(g.Endpoint) == 0},
		{Of: "--fail", Lacks: "--fail-first N", Unless: g.FailFirst > 0},
		{Of: "--tls-ca --tls-name --tls-insecure", Lacks: "--to tls://HOST:PORT", Unless: g.to.TLS},
		{Of: "--tls-insecure", Not: "--tls-ca"},
		{Of: ofThrowAway, Not: "--tls-cert"},
		{Of: "--tls-ca-out", Lacks: "a file; standard output is /dev/stdout", Unless: g.TLSCAOut != "-"},
		{
			Of:    "--tls-cert --tls-ca-out --tls-fault --tls-alpn --tls-client-ca --tls-fingerprint",
			Lacks: "-c or a tls:// endpoint", Unless: secure,
		},
		{Of: "-c", Lacks: "a TCP endpoint", Unless: some(func(e conn.Endpoint) bool { return e.TLS })},
		{Of: "--reuse-port", With: "a Unix socket", Unless: !slices.ContainsFunc(list, conn.Endpoint.Unix)},
		{Of: "--loss --duplicate --reorder --loop-guard", Lacks: "a udp:// or unixgram:// endpoint", Unless: some(conn.Endpoint.Datagram)},
		{Of: "--mode", Lacks: "a Unix socket with a path", Unless: paths},
		{Of: ofStreams, Lacks: "an endpoint with connections", Unless: streams},
	}
}

// refuse returns the usage error of options that cannot be combined, or that apply to none
// of the endpoints, before anything is opened.
func (g *gecho) refuse(list []conn.Endpoint) error {
	if err := cli.Refuse(g.Given(), g.rules(list)); err != nil {
		return err
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
