package main

import (
	"cmp"
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"

	"gcat/internal/cli"
	"gcat/internal/command"
	"gcat/internal/conn"
)

// A rule is a row of the table of conflicts.
type rule struct {
	of     string  // options, separated by spaces
	needs  string  // options that each of them requires
	not    string  // options that each of them cannot be used with
	on     sockets // the sockets to which they apply; 0 is all
	far    bool    // with --to they apply to the connection to that endpoint
	unless bool    // the rule does not hold
	try    string  // a hint
}

// sockets are kinds of sockets.
type sockets uint

const (
	tcp sockets = 1 << iota
	udp
	unixStream
	unixDatagram
	unixPacket
	vsock
	can

	ip       = tcp | udp
	streams  = tcp | unixStream | vsock
	messages = udp | unixDatagram | unixPacket | can // they preserve message boundaries
)

// socketKind returns the kind of the socket of at, and its name in diagnostics; 0 if at is
// the zero target.
func socketKind(at conn.Endpoint) (kind sockets, name string) {
	switch {
	case at.Network == "":
		return 0, ""
	case at.Network == "unixgram":
		return unixDatagram, "a Unix datagram socket"
	case at.Network == "unixpacket":
		return unixPacket, "a Unix packet socket"
	case at.Unix():
		return unixStream, "a Unix socket"
	case at.CAN():
		return can, "CAN"
	case at.Datagram():
		return udp, "UDP"
	case at.Network == "vsock":
		return vsock, "vsock"
	}
	return tcp, "TCP"
}

// rules returns the table of conflicts at one target. Options that depend on it have
// names of their own: see [grammar.given].
func (g *grammar) rules(at, to conn.Endpoint, kind sockets) []rule {
	forwards := g.To != ""
	sources := ip
	switch {
	case g.Listen:
	case at.Network == "j1939":
		sources = 0
	default:
		sources |= unixDatagram
	}
	server, none := "-c", "-l" // with these there is, or is not, a server's certificate to verify
	if forwards {
		server, none = "--to=tls://", ""
	}
	const ofStdio = " --shutdown --no-shutdown --raw --progress" // these concern standard input and output
	return []rule{
		{of: "-4", not: "-U -6"},
		{of: "-6", not: "-U"},
		{of: "-s", not: "-U", unless: g.UDP},
		{of: "-s", on: sources},
		{of: "-p", not: "-U", on: ip},
		{of: "--retry", not: "-l", unless: forwards},
		{of: "--retry", on: ^udp, far: true, unless: g.Scan, try: "a datagram socket connects to nothing: gcat -zu --retry D HOST PORT waits for an answer"},
		{of: "-z", on: ^can, not: "-l -F -e --lines -W --datagram-size -o --rate --send-only --idle-timeout --no-shutdown --shutdown --progress --raw"},
		{of: "--closed --parallel", needs: "-z"},
		{of: "-F", not: "-l -c -e -C -t -i --rate -o --lines -W --datagram-size --send-only -d -q -Q --idle-timeout" + ofStdio},
		{of: "--connect-timeout", not: "-lk", unless: kind&(streams|unixPacket) == 0 || forwards || g.TLS || at.TLS},
		{of: "--no-shutdown", not: "--shutdown=both"},
		{of: "--send-only", not: "-d"},

		{of: "-k --max-conns --ready", needs: "-l"},
		{of: "--mode", needs: "-l", on: unixStream | unixDatagram | unixPacket},
		{of: "--backlog", needs: "-l", on: streams | unixPacket},
		{of: "--to", needs: "-l", on: ^can, not: "-e --broker --chat -d --send-only -F -z -W --lines --datagram-size --raw --progress"},
		{of: "--to", not: "-q -Q", unless: kind&(udp|unixDatagram) == 0},
		{of: "--broker --chat", needs: "-lk", not: "-e"},
		{of: "-e --broker --chat", not: "--send-only -d -q -Q" + ofStdio, on: streams},
		{of: "--allow --deny", needs: "-l", on: tcp},

		{of: "-t", on: streams | unixPacket},
		{of: "-i --lines", not: "--datagram-size"},
		{of: "-W --lines --datagram-size", needs: "-u"},

		{of: "--keepalive --no-nodelay --mptcp --congestion", on: tcp},
		{of: "--tos --ttl --interface --reuse-port", on: ip},
		{of: "--sndbuf --rcvbuf", on: ^vsock},

		{of: "-c", on: streams, unless: !at.TLS},
		{of: "--tls-ca --tls-name --tls-insecure", needs: server, not: none},
		{of: "--tls-insecure", not: "--tls-ca"},
		{of: "--tls-cert --tls-key", needs: "-c"},
		{of: "--tls-alpn --tls-fingerprint", needs: "-c", unless: to.TLS},
		{of: "--tls-client-ca", needs: "-c -l"},
		{of: "-x", not: "-l", unless: forwards},
		{of: "-x", on: tcp, far: true},
		{of: "-X -P", needs: "-x"},
	}
}

// given returns the names in the table of conflicts that apply. -u is given if a target
// preserves message boundaries, -c if one uses TLS.
func (g *grammar) given(targets []conn.Endpoint, to conn.Endpoint) map[string]bool {
	given := g.Given()
	for _, at := range targets {
		kind, _ := socketKind(at)
		given["-u"] = given["-u"] || kind&messages != 0
		given["-c"] = given["-c"] || at.TLS
	}
	given["-lk"] = g.Listen && g.KeepOpen
	given["--shutdown=both"] = g.Shutdown == "both"
	given["--to=tls://"] = to.TLS
	return given
}

// refuse returns the first conflict at any of the targets, before anything is opened. It
// changes nothing. If the operands could not be read, there are no targets, and conflicts
// that depend on them are not checked: the error of the operands says more.
func (g *grammar) refuse(targets []conn.Endpoint, to conn.Endpoint) error {
	if err := g.refuseValues(); err != nil {
		return err
	}
	given := g.given(targets, to)
	if len(targets) == 0 {
		return g.refuseRules(conn.Endpoint{}, to, given)
	}
	for i, at := range targets {
		if i > 0 && at.Network == targets[i-1].Network && at.TLS == targets[i-1].TLS {
			continue // the result is the same
		}
		err := cmp.Or(g.refuseRules(at, to, given), g.refuseAt(at, to))
		if err != nil {
			return err
		}
	}
	return nil
}

// refuseRules returns the first conflict of the table.
func (g *grammar) refuseRules(at, to conn.Endpoint, given map[string]bool) error {
	kind, socket := socketKind(at)
	for _, r := range g.rules(at, to, kind) {
		used, name := kind, socket
		if r.far && g.To != "" {
			used, name = socketKind(to)
		}
		for option := range strings.FieldsSeq(r.of) {
			if !given[option] || r.unless {
				continue
			}
			for other := range strings.FieldsSeq(r.needs) {
				if unknown := kind == 0 && (other == "-u" || other == "-c"); !given[other] && !unknown {
					return cli.Usagef("%s needs %s", option, other)
				}
			}
			for other := range strings.FieldsSeq(r.not) {
				if given[other] {
					return cli.Usagef("cannot use %s with %s", option, other)
				}
			}
			if r.on != 0 && used&^r.on != 0 {
				return cli.Hint(cli.Usagef("cannot use %s with %s", option, name), r.try)
			}
		}
	}
	return nil
}

// ofOpening are the options of a socket that gcat opens.
const ofOpening = "-4 -6 --backlog --mode --interface --keepalive --mptcp --rcvbuf --reuse-port --sndbuf --tos --ttl"

// refuseHanded returns an error if an option is for a socket that gcat opens: a service
// manager has opened and bound this one.
func (g *grammar) refuseHanded() error {
	given := g.Given()
	for option := range strings.FieldsSeq(ofOpening) {
		if given[option] {
			return cli.Usagef("cannot use %s with the socket of LISTEN_FDS", option)
		}
	}
	return nil
}

// mostKeepalive is the largest value of TCP_KEEPIDLE and TCP_KEEPINTVL on Linux
// (MAX_TCP_KEEPIDLE of tcp.h). The net package does not report that the system
// refused a larger one.
const mostKeepalive = 32767 * time.Second

// refuseValues returns an error if the value of an option is out of its range.
func (g *grammar) refuseValues() error {
	negative := func(d *cli.Duration) bool { return d != nil && *d < 0 }
	keepalive := orZero(g.Keepalive).D()
	for _, v := range []struct {
		wrong bool
		words string
	}{
		{negative(g.Timeout), "-w cannot be negative"},
		{negative(g.ConnectTimeout), "--connect-timeout cannot be negative"},
		{negative(g.IdleTimeout), "--idle-timeout cannot be negative"},
		{negative(&g.Deadline), "--deadline cannot be negative"},
		{negative(&g.Retry), "--retry cannot be negative"},
		{negative(&g.Interval), "-i cannot be negative"},
		{g.Exec != "" && !command.Supported, "cannot use -e on " + runtime.GOOS},
		{g.Backlog < 0, "--backlog cannot be negative"},
		{g.Ready != "" && g.Ready == g.Hexdump, "cannot use --ready and -o with one file"},
		{g.Ready == "-", "--ready needs a file; standard output is /dev/stdout"},
		{outside(g.MaxConns, 1, math.MaxInt), "--max-conns must be at least 1"},
		{outside(g.Parallel, 1, math.MaxInt), "--parallel must be at least 1"},
		{outside(g.Datagrams, 1, math.MaxInt), "-W must be at least 1"},
		{outside(g.DatagramSize, 1, conn.MaxDatagram), fmt.Sprintf("--datagram-size must be from 1 to %d", conn.MaxDatagram)},
		{keepalive < 0, "--keepalive cannot be negative"},
		{keepalive > 0 && keepalive < time.Second, "--keepalive must be at least 1s, or 0 for none"},
		{keepalive > mostKeepalive, fmt.Sprintf("--keepalive must be at most %d seconds", mostKeepalive/time.Second)},
		{outside(g.TOS, 0, 255), "--tos must be from 0 to 255"},
		{outside(g.TTL, 1, 255), "--ttl must be from 1 to 255"},
		{!bufferFits(g.SndBuf), "--sndbuf must be at least 1 and below 2G"},
		{!bufferFits(g.RcvBuf), "--rcvbuf must be at least 1 and below 2G"},
		{len(g.Interface) > 15, fmt.Sprintf("bad interface %q: a name has at most 15 bytes", g.Interface)}, // IFNAMSIZ, netdevice(7)
	} {
		if v.wrong {
			return cli.Usagef("%s", v.words)
		}
	}
	return nil
}

// outside reports whether n was given and is out of bounds.
func outside(n *int, least, most int) bool { return n != nil && (*n < least || *n > most) }

// bufferFits reports whether size fits the int of setsockopt(2), or was not given.
func bufferFits(size *cli.Size) bool { return size == nil || *size >= 1 && *size <= math.MaxInt32 }

// refuseAt returns an error if --to cannot join at to its endpoint, or a value makes no
// sense for at.
func (g *grammar) refuseAt(at, to conn.Endpoint) error {
	kind, socket := socketKind(at)
	packets := func(p conn.Endpoint) bool { return p.Network == "unixpacket" }
	if end, name := socketKind(to); end != 0 && (at.Datagram() != to.Datagram() || packets(at) != packets(to) || to.CAN()) {
		return cli.Usagef("cannot join %s to %s with --to", socket, name)
	}
	if kind&ip != 0 && g.Port != "" {
		if err := conn.CheckPort(g.Port); err != nil {
			return usage(err)
		}
	}
	if g.Mode != 0 && at.Abstract() {
		return cli.Usagef("cannot use --mode with %q: an abstract socket has no file", at.Path)
	}
	if at.TLS || to.TLS {
		if kind == unixStream && !g.Listen && g.TLSName == "" && !g.TLSInsecure && g.TLSFingerprint == "" {
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
