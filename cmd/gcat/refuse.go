package main

import (
	"cmp"
	"runtime"
	"slices"
	"strings"
	"time"

	"gcat/internal/cli"
	"gcat/internal/command"
	"gcat/internal/conn"
)

// Sets of kinds of sockets.
const (
	ip       = "tcp udp"
	streams  = "tcp unix vsock"
	messages = "udp unixgram unixpacket can" // they preserve message boundaries
)

// kindNames are the kinds of sockets in diagnostics.
var kindNames = map[string]string{
	"tcp":        "TCP",
	"udp":        "UDP",
	"unix":       "a Unix socket",
	"unixgram":   "a Unix datagram socket",
	"unixpacket": "a Unix packet socket",
	"vsock":      "vsock",
	"can":        "CAN",
}

// socketKind returns the kind of at's socket; empty if at is the zero endpoint.
func socketKind(at conn.Endpoint) string {
	switch {
	case at.CAN():
		return "can"
	case at.Network == "tls":
		return "tcp"
	}
	return strings.TrimRight(at.Network, "46")
}

// on returns the name of at's socket if it is one of kinds, else "".
func on(at conn.Endpoint, kinds string) string {
	if kind := socketKind(at); slices.Contains(strings.Fields(kinds), kind) {
		return kindNames[kind]
	}
	return ""
}

// notOn returns the name of at's socket if it is none of kinds, else "".
func notOn(at conn.Endpoint, kinds string) string {
	if on(at, kinds) == "" {
		return kindNames[socketKind(at)]
	}
	return ""
}

// conflicts returns the table of conflicts at one target. Options that depend on it have
// names of their own: see [gcat.given].
func (g *gcat) conflicts(at conn.Endpoint) []cli.Rule {
	forwards, dialled := g.To != "", at
	if forwards {
		dialled = g.to
	}
	const ofStdio = " --shutdown --no-shutdown --raw --progress" // these concern standard input and output
	return []cli.Rule{
		{Of: "-4", Not: "-U -6"},
		{Of: "-6", Not: "-U"},
		{Of: "-s", Not: "-U", Unless: g.UDP},
		{Of: "-s", With: notOn(at, ip), Unless: !g.Listen && (at.Network == "unixgram" || at.Network == "j1939")},
		{Of: "-p", Not: "-U", With: notOn(at, ip)},
		{Of: "--retry", Not: "-l", Unless: forwards},
		{Of: "--retry", With: on(dialled, "udp"), Unless: g.Scan, Try: "a datagram socket connects to nothing: gcat -zu --retry D HOST PORT waits for an answer"},
		{Of: "--retry", With: on(dialled, "can")},
		{Of: "-z", With: on(at, "can"), Not: "-l -F -e --lines -W --datagram-size -o --rate --send-only --idle-timeout --no-shutdown --shutdown --progress --raw"},
		{Of: "--closed --parallel", Needs: "-z"},
		{Of: "-F", Not: "-l -c -e -C -t -i --rate -o --lines -W --datagram-size --send-only -d -q -Q --idle-timeout" + ofStdio},
		{Of: "--connect-timeout", Not: "-lk", Unless: at.Network == "" || at.Datagram() || at.TLS || forwards},
		{Of: "--no-shutdown", Not: "--shutdown=both"},
		{Of: "--send-only", Not: "-d"},

		{Of: "-k --max-conns --ready", Needs: "-l"},
		{Of: "--mode", Needs: "-l", With: notOn(at, "unix unixgram unixpacket")},
		{Of: "--backlog", Needs: "-l", With: notOn(at, streams+" unixpacket")},
		{Of: "--to", Needs: "-l", With: on(at, "can"), Not: "-e --broker --chat -d --send-only -F -z -W --lines --datagram-size --raw --progress"},
		{Of: "--to", Not: "-q -Q", Unless: !at.Datagram()},
		{Of: "--broker --chat", Needs: "-lk", Not: "-e"},
		{Of: "-e --broker --chat", Not: "--send-only -d -q -Q" + ofStdio, With: notOn(at, streams)},
		{Of: "--allow --deny", Needs: "-l", With: notOn(at, "tcp")},

		{Of: "-t", With: notOn(at, streams+" unixpacket")},
		{Of: "-i --lines", Not: "--datagram-size"},
		{Of: "-W --lines --datagram-size", Needs: "-u"},

		{Of: "--keepalive --no-nodelay --mptcp --congestion", With: notOn(at, "tcp")},
		{Of: "--tos --ttl --interface --reuse-port", With: notOn(at, ip)},
		{Of: "--sndbuf --rcvbuf", With: on(at, "vsock")},

		{Of: "-c", With: notOn(at, streams), Unless: !at.TLS},
		{Of: "--tls-ca --tls-name --tls-insecure", Needs: "-c", Not: "-l", Unless: forwards}, // they verify a server
		{Of: "--tls-ca --tls-name --tls-insecure", Needs: "--to=tls://", Unless: !forwards},
		{Of: "--tls-insecure", Not: "--tls-ca"},
		{Of: "--tls-cert --tls-key", Needs: "-c"},
		{Of: "--tls-alpn --tls-fingerprint", Needs: "-c", Unless: g.to.TLS},
		{Of: "--tls-client-ca", Needs: "-c -l"},
		{Of: "-x", Not: "-l", Unless: forwards},
		{Of: "-x", With: notOn(dialled, "tcp")},
		{Of: "-X -P", Needs: "-x"},

		{Of: "-4 -6 --backlog --mode --interface --keepalive --mptcp --rcvbuf --reuse-port --sndbuf --tos --ttl", With: "the socket of LISTEN_FDS", Unless: g.handed.Addr() == nil},
		{Of: "-k --ready", With: "a connected socket of LISTEN_FDS", Unless: g.handed.Conn == nil},
	}
}

// given returns the names in the table of conflicts that apply. -u is given if a target
// preserves message boundaries, and -c if one uses TLS. If no target is known, -u is given,
// and -c unless there is -F without --tls.
func (g *gcat) given(targets []conn.Endpoint) map[string]bool {
	given := g.Given()
	for _, at := range targets {
		given["-u"] = given["-u"] || on(at, messages) != ""
		given["-c"] = given["-c"] || at.TLS
	}
	if len(targets) == 0 {
		given["-u"], given["-c"] = true, g.TLS || !g.PassFD
	}
	given["-lk"] = g.Listen && g.KeepOpen
	given["--shutdown=both"] = g.Shutdown == "both"
	given["--to=tls://"] = g.to.TLS
	return given
}

// refuse returns the first conflict at any of the targets, before anything is opened. It
// changes nothing. If the operands could not be read, there are no targets, and conflicts
// that depend on them are not checked: the error of the operands says more.
func (g *gcat) refuse(targets []conn.Endpoint) error {
	if err := g.refuseValues(); err != nil {
		return err
	}
	given := g.given(targets)
	if len(targets) == 0 {
		return cli.Refuse(given, g.conflicts(conn.Endpoint{}))
	}
	for i, at := range targets {
		if i > 0 && at.Network == targets[i-1].Network && at.TLS == targets[i-1].TLS {
			continue // the result is the same
		}
		if err := cmp.Or(cli.Refuse(given, g.conflicts(at)), g.refuseAt(at)); err != nil {
			return err
		}
	}
	return nil
}

// mostKeepalive is the largest value of TCP_KEEPIDLE and TCP_KEEPINTVL on Linux
// (MAX_TCP_KEEPIDLE of tcp.h). The net package does not report that the system
// refused a larger one.
const mostKeepalive = 32767 * time.Second

// refuseValues returns an error if the value of an option cannot be used.
func (g *grammar) refuseValues() error {
	keepalive := orZero(g.Keepalive).D()
	switch {
	case g.Exec != "" && !command.Supported:
		return cli.Usagef("cannot use -e on %s", runtime.GOOS)
	case g.Ready != "" && g.Ready == g.Hexdump:
		return cli.Usagef("cannot use --ready and -o with one file")
	case g.Ready == "-":
		return cli.Usagef("--ready needs a file; standard output is /dev/stdout")
	case keepalive > 0 && keepalive < time.Second:
		return cli.Usagef("--keepalive must be at least 1s, or 0 for none")
	case keepalive > mostKeepalive:
		return cli.Usagef("--keepalive must be at most %d seconds", mostKeepalive/time.Second)
	case len(g.Interface) > 15: // IFNAMSIZ, netdevice(7)
		return cli.Usagef("bad interface %q: a name has at most 15 bytes", g.Interface)
	}
	return nil
}

// refuseAt returns an error if --to cannot join at to its endpoint, or a value makes no
// sense for at.
func (g *gcat) refuseAt(at conn.Endpoint) error {
	to := g.to
	packets := func(e conn.Endpoint) bool { return e.Network == "unixpacket" }
	if g.To != "" && (at.Datagram() != to.Datagram() || packets(at) != packets(to) || to.CAN()) {
		return cli.Usagef("cannot join %s to %s with --to", kindNames[socketKind(at)], kindNames[socketKind(to)])
	}
	if on(at, ip) != "" && g.Port != "" {
		if err := conn.CheckPort(g.Port); err != nil {
			return usage(err)
		}
	}
	if at.Network == "j1939" && !g.Listen {
		if err := conn.CheckJ1939(g.Source); err != nil {
			return usage(err)
		}
	}
	if g.Mode != 0 && at.Abstract() {
		return cli.Usagef("cannot use --mode with %q: an abstract socket has no file", at.Path)
	}
	if at.TLS || to.TLS {
		if at.Network == "unix" && !g.Listen && g.TLSName == "" && !g.TLSInsecure && g.TLSFingerprint == "" {
			return cli.Usagef("a Unix socket has no name that a certificate could bear: give --tls-name")
		}
		if err := g.tlsOptions().Check(); err != nil {
			return usage(err)
		}
	}
	if g.PassFD {
		return conn.CanPass()
	}
	return nil
}
