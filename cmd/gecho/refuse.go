package main

import (
	"cmp"
	"os"
	"slices"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/echo"
	"gcat/internal/tlsconn"
)

// firstGiven is the first of the options that is given; "" if none is.
func (g *gecho) firstGiven(options ...string) string {
	given := g.Given()
	for _, o := range options {
		if given[o] {
			return o
		}
	}
	return ""
}

// refuse returns the usage error of options that cannot be combined, before anything
// is opened.
func (g *gecho) refuse() error {
	if err := g.refuseValues(); err != nil {
		return err
	}
	wordy := g.firstGiven("--reply", "--suffix", "--control", "--lines")
	switch {
	case g.CloseAfterReply && g.Service.kind != echo.Echo:
		return cli.Usagef("cannot use --close-after-reply with --service: only the echo has replies")
	case g.Script != "" && g.Replay != "":
		return cli.Usagef("cannot use --script with --replay")
	case g.Speed != nil && g.Replay == "":
		return cli.Usagef("--speed needs --replay DUMP")
	case (g.Script != "" || g.Replay != "") && (wordy != "" || g.Greeting != "" || g.CloseAfterReply || g.Service.kind != echo.Echo):
		return cli.Usagef("cannot use --script or --replay with --service, or with what changes the echo")
	case g.To != "" && (wordy != "" || g.Greeting != "" || g.Farewell != "" || g.CloseAfterReply || g.Service.kind != echo.Echo || g.Script != "" || g.Replay != ""):
		return cli.Usagef("cannot use --to with --service, --script, or with what gecho would say itself")
	case g.To != "" && g.Inetd:
		return cli.Usagef("cannot use --to with --inetd")
	case g.To == "" && g.Faults != "":
		return cli.Usagef("--faults needs --to ENDPOINT")
	case g.TLSFault != "" && tlsconn.Fault(g.TLSFault).OfCertificate() && g.TLSCert != "":
		return cli.Usagef("cannot use --tls-fault %s with --tls-cert: the fault is in the throw-away certificate", g.TLSFault)
	case g.TLSInsecure && g.TLSCA != "":
		return cli.Usagef("cannot use --tls-insecure with --tls-ca")
	case g.TLSCAOut != "" && g.TLSCert != "":
		return cli.Usagef("cannot use --tls-ca-out with --tls-cert: it is for the throw-away certificate")
	case g.Once && g.Count > 0:
		return cli.Usagef("cannot use --once with --count")
	case g.Service.kind != echo.Echo && wordy != "":
		return cli.Usagef("cannot use %s with --service: only the echo has replies", wordy)
	case g.Inetd && len(g.Endpoint) > 0:
		return cli.Usagef("cannot use --inetd with an endpoint")
	case g.Inetd && g.NoAccept:
		return cli.Usagef("cannot use --inetd with --no-accept")
	case g.Fail != "close" && g.FailFirst == 0:
		return cli.Usagef("--fail needs --fail-first N")
	case g.NoAccept && (g.Once || g.Count > 0):
		return cli.Usagef("cannot use --no-accept with --once or --count: no client is ever accepted")
	}
	if err := g.tlsOptions().Check(); err != nil {
		return cli.Usagef("%v", err)
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

// refuseIdle refuses options that apply to none of the endpoints.
func (g *gecho) refuseIdle(list []conn.Endpoint) error {
	if g.Inetd || os.Getenv("LISTEN_FDS") != "" { // the sockets are not known yet
		return nil
	}
	if len(list) == 0 {
		list = []conn.Endpoint{{Network: "tcp"}}
	}
	for _, e := range list {
		if e.CAN() && e.Network != "isotp" && e.Network != "j1939" {
			return cli.Usagef("cannot answer on %s: two that do so on a bus would never end", e)
		}
	}
	idle := func(fits func(conn.Endpoint) bool, needs string, options ...string) error {
		name := g.firstGiven(options...)
		if name == "" || slices.ContainsFunc(list, fits) {
			return nil
		}
		return cli.Usagef("%s needs %s", name, needs)
	}
	stream := func(p conn.Endpoint) bool { return !p.Datagram() }
	path := func(p conn.Endpoint) bool { return p.Unix() && !p.Abstract() }
	ofStreams := []string{
		"--script", "--replay", "--fail-first", "--on-eof", "--rate", "--chunk",
		"--close-after", "--reset-after", "--stall-after", "--half-close-after",
		"--close-after-reply", "--control", "--lines", "--farewell", "--deadline", "--backlog",
	}
	if g.To == "" {
		ofStreams = append(ofStreams, "--max-conns")
	}
	return cmp.Or(
		idle(conn.Endpoint.Datagram, "a udp:// or unixgram:// endpoint", "--loss", "--duplicate", "--reorder"),
		idle(path, "a Unix socket with a path", "--mode"),
		idle(stream, "an endpoint with connections", ofStreams...),
	)
}

// refuseTo refuses a target that does not fit the endpoints, and the options of a TLS
// target without one.
func (g *gecho) refuseTo(to *echo.Target, list []conn.Endpoint) error {
	trust := g.firstGiven("--tls-ca", "--tls-name", "--tls-insecure")
	if trust != "" && !g.to.TLS {
		return cli.Usagef("%s needs --to tls://HOST:PORT", trust)
	}
	if to == nil {
		return nil
	}
	if len(list) == 0 && os.Getenv("LISTEN_FDS") == "" {
		list = []conn.Endpoint{{Network: "tcp"}}
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
