package main

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"gcat/internal/cli"
	"gcat/internal/command"
	"gcat/internal/conn"
)

// An option is a row of the table of conflicts.
type option struct {
	name  string
	given bool
	needs string  // options that it requires, separated by spaces
	not   string  // options that it cannot be used with
	on    sockets // the sockets to which it applies; 0 is all
	try   string  // a hint
	far   bool    // with --to it applies to the connection to that endpoint
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
func socketKind(at target) (kind sockets, name string) {
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

// options returns the table of conflicts. An option has several rows if its conflicts
// depend on the case. An option that only other rows name has a row without
// conflicts.
func (g *grammar) options(at, to target) []option {
	kind, _ := socketKind(at)
	forwards := g.To != ""
	dialled := kind != 0 && !g.Listen
	server, none := "-c", "-l" // with these there is, or is not, a server's certificate to verify
	if forwards {
		server, none = "--to=tls://", ""
	}
	const ofStdio = " --shutdown --no-shutdown --raw --progress" // these concern standard input and output
	return []option{
		{name: "-4 or -6", given: g.IPv4 || g.IPv6, not: "-U"},
		{name: "-4", given: g.IPv4, not: "-6"},
		{name: "-6", given: g.IPv6},
		{name: "-u", given: g.UDP || kind&messages != 0},
		{name: "-U", given: g.Unix},
		{name: "-s", given: g.Source != "" && !g.UDP, not: "-U"},
		{name: "-s", given: g.Source != "" && dialled && at.Network != "j1939", on: ip | unixDatagram},
		{name: "-s", given: g.Source != "" && !dialled, on: ip},
		{name: "-p", given: g.Port != "", not: "-U", on: ip},
		{name: "--retry", given: g.Retry > 0 && !forwards, not: "-l"},
		{name: "--retry", given: g.Retry > 0 && !g.Scan, on: ^udp, far: true, try: "a datagram socket connects to nothing: gcat -zu --retry D HOST PORT waits for an answer"},
		{name: "-z", given: g.Scan, on: ^can, not: "-l -F -e --lines -W --datagram-size -o --rate --send-only --idle-timeout --no-shutdown --shutdown --progress --raw"},
		{name: "--closed", given: g.Closed, needs: "-z"},
		{name: "--parallel", given: g.Parallel != nil, needs: "-z"},
		{name: "-F", given: g.PassFD, not: "-l -c -e -C -t -i --rate -o --lines -W --datagram-size --send-only -d -q -Q --idle-timeout" + ofStdio},

		{name: "--idle-timeout", given: g.IdleTimeout != nil},
		{name: "--connect-timeout", given: g.ConnectTimeout != nil && kind&(streams|unixPacket) != 0 && !forwards && !g.TLS && !at.TLS, not: "-lk"},
		{name: "-q", given: g.QuitAfter != nil},
		{name: "-Q", given: g.QuitAfterPeer != nil},

		{name: "--shutdown", given: g.Shutdown != "write"},
		{name: "--shutdown=both", given: g.Shutdown == "both"},
		{name: "--no-shutdown", given: g.NoShutdown, not: "--shutdown=both"},
		{name: "--send-only", given: g.SendOnly, not: "-d"},
		{name: "-d", given: g.RecvOnly},

		{name: "-l", given: g.Listen},
		{name: "-k", given: g.KeepOpen, needs: "-l"},
		{name: "-lk", given: g.Listen && g.KeepOpen},
		{name: "--max-conns", given: g.MaxConns != nil, needs: "-l"},
		{name: "--mode", given: g.Mode != 0, needs: "-l", on: unixStream | unixDatagram | unixPacket},
		{name: "--backlog", given: g.Backlog > 0, needs: "-l", on: streams | unixPacket},
		{name: "--ready", given: g.Ready != "", needs: "-l"},
		{name: "--to", given: forwards, on: ^can, needs: "-l", not: "-e --broker --chat -d --send-only -F -z -W --lines --datagram-size --raw --progress"},
		{name: "--to", given: forwards && kind&(udp|unixDatagram) != 0, not: "-q -Q"},
		{name: "-e", given: g.Exec != "", not: "--send-only -d -q -Q" + ofStdio, on: streams},
		{name: "--broker", given: g.Broker, needs: "-lk", not: "-e --send-only -d -q -Q" + ofStdio, on: streams},
		{name: "--chat", given: g.Chat, needs: "-lk", not: "-e --send-only -d -q -Q" + ofStdio, on: streams},
		{name: "--allow", given: g.Allow != nil, needs: "-l", on: tcp},
		{name: "--deny", given: g.Deny != nil, needs: "-l", on: tcp},

		{name: "-C", given: g.CRLF},
		{name: "-t", given: g.Telnet, on: streams | unixPacket},
		{name: "-i", given: g.Interval > 0, not: "--datagram-size"},
		{name: "--rate", given: g.Rate > 0},
		{name: "-o", given: g.Hexdump != ""},
		{name: "-W", given: g.Datagrams != nil, needs: "-u"},
		{name: "--lines", given: g.Lines, needs: "-u", not: "--datagram-size"},
		{name: "--datagram-size", given: g.DatagramSize != nil, needs: "-u"},

		{name: "--keepalive", given: g.Keepalive != nil, on: tcp},
		{name: "--no-nodelay", given: g.NoNodelay, on: tcp},
		{name: "--mptcp", given: g.MPTCP, on: tcp},
		{name: "--congestion", given: g.Congestion != "", on: tcp},
		{name: "--tos", given: g.TOS != nil, on: ip},
		{name: "--ttl", given: g.TTL != nil, on: ip},
		{name: "--interface", given: g.Interface != "", on: ip},
		{name: "--reuse-port", given: g.ReusePort, on: ip},
		{name: "--sndbuf", given: g.SndBuf != nil, on: ^vsock},
		{name: "--rcvbuf", given: g.RcvBuf != nil, on: ^vsock},

		{name: "-c", given: g.TLS || at.TLS, on: streams},
		{name: "--to=tls://", given: to.TLS},
		{name: "--tls-ca", given: g.TLSCA != "", needs: server, not: none},
		{name: "--tls-name", given: g.TLSName != "", needs: server, not: none},
		{name: "--tls-cert", given: g.TLSCert != "", needs: "-c"},
		{name: "--tls-key", given: g.TLSKey != "", needs: "-c"},
		{name: "--tls-alpn", given: len(g.TLSALPN) > 0 && !to.TLS, needs: "-c"},
		{name: "--tls-insecure", given: g.TLSInsecure, needs: server, not: none + " --tls-ca"},
		{name: "--tls-fingerprint", given: g.TLSFingerprint != "" && !to.TLS, needs: "-c"},
		{name: "--tls-client-ca", given: g.TLSClientCA != "", needs: "-c -l"},
		{name: "-x", given: g.Proxy != "" && !forwards, not: "-l"},
		{name: "-x", given: g.Proxy != "", on: tcp, far: true},
		{name: "-X", given: g.ProxyProtocol != "", needs: "-x"},
		{name: "-P", given: g.ProxyUser != "", needs: "-x"},

		{name: "--progress", given: g.Progress},
		{name: "--raw", given: g.Raw},
	}
}

// refuseAll returns the first conflict at any of the targets. There are no targets if
// the operands could not be read.
func (g *grammar) refuseAll(targets []target, to target) error {
	if len(targets) == 0 {
		return g.refuse(target{}, to, g.TLS)
	}
	secure := slices.ContainsFunc(targets, func(p target) bool { return p.TLS })
	for i, p := range targets {
		if i > 0 && p.Network == targets[i-1].Network && p.TLS == targets[i-1].TLS {
			continue // the result is the same
		}
		if err := g.refuse(p, to, secure); err != nil {
			return err
		}
	}
	return nil
}

// refuse returns the first conflict, before anything is opened. It changes nothing. If
// the operands could not be read, at is the zero target, and conflicts that depend
// on it are not checked: the error of the operands says more. secure reports that
// some target uses TLS.
func (g *grammar) refuse(at, to target, secure bool) error {
	if err := g.refuseValues(); err != nil {
		return err
	}
	kind, socket := socketKind(at)
	options := g.options(at, to)
	given := make(map[string]bool, len(options))
	for _, o := range options {
		given[o.name] = given[o.name] || o.given
	}
	given["-c"] = given["-c"] || secure
	for _, o := range options {
		if !o.given {
			continue
		}
		for name := range strings.FieldsSeq(o.needs) {
			if unknown := kind == 0 && (name == "-u" || name == "-c"); !given[name] && !unknown {
				return cli.Usagef("%s needs %s", o.name, name)
			}
		}
		for name := range strings.FieldsSeq(o.not) {
			if given[name] {
				return cli.Hint(cli.Usagef("cannot use %s with %s", o.name, name), o.try)
			}
		}
		used, name := kind, socket
		if o.far && g.To != "" {
			used, name = socketKind(to)
		}
		if o.on != 0 && used&^o.on != 0 {
			return cli.Hint(cli.Usagef("cannot use %s with %s", o.name, name), o.try)
		}
	}
	if kind == 0 {
		return nil
	}
	packets := func(p target) bool { return p.Network == "unixpacket" }
	if end, name := socketKind(to); end != 0 && (at.Datagram() != to.Datagram() || packets(at) != packets(to) || to.CAN()) {
		return cli.Usagef("cannot join %s to %s with --to", socket, name)
	}
	return g.refuseAt(at, to, kind)
}

// ofOpening are the options of a socket that gcat opens.
const ofOpening = "-4 -6 --backlog --mode --interface --keepalive --mptcp --rcvbuf --reuse-port --sndbuf --tos --ttl"

// refuseHanded returns an error if an option is for a socket that gcat opens: a service
// manager has opened and bound this one.
func (g *grammar) refuseHanded() error {
	for _, o := range g.options(target{}, target{}) {
		if o.given && slices.Contains(strings.Fields(ofOpening), o.name) {
			return cli.Usagef("cannot use %s with the socket of LISTEN_FDS", o.name)
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

// refuseAt returns an error if a value makes no sense for at.
func (g *grammar) refuseAt(at, to target, kind sockets) error {
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
