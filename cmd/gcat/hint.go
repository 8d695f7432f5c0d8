package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"gcat/internal/conn"
)

// operandHint returns the hint for operands that cannot be read; empty if there is none, or
// if the error has its own.
func (g *grammar) operandHint() string {
	args := g.Args
	if line := cmp.Or(g.ncatCommand(), g.tookHost()); line != "" {
		return line
	}
	rest := slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == "-" })
	if len(rest) < len(args) && len(rest) > 0 { // "-" is standard input and output in socat
		return "standard input and output are the other side anyway: type gcat " + translated(rest)
	}
	switch {
	case len(args) == 0 || !plainWords(args...):
	case len(args) == 1 && strings.Contains(args[0], "-LISTEN:"):
		at, options, _ := strings.Cut(args[0][strings.Index(args[0], ":")+1:], ",")
		if strings.Contains(options, "fork") {
			return "type gcat -lk " + at
		}
		return "type gcat -l " + at
	case swapped(args):
		return "type gcat " + g.mode() + args[1] + " " + args[0]
	case len(args) == 2 && strings.Contains(args[0], ":"):
		return "type gcat " + g.mode() + translated(args[:1])
	case len(args) > 1:
	case isPort(args[0]) && !g.Scan:
		return "type gcat localhost " + args[0] + ", or gcat -l " + args[0] + " to listen"
	case isSocket(args[0]):
		return "type gcat -U " + args[0]
	case !strings.ContainsAny(args[0], ":/@"):
		return "type gcat " + g.mode() + args[0] + " PORT"
	}
	return ""
}

// mode returns -l or -z for a hint, with a space.
func (g *grammar) mode() string {
	switch {
	case g.Listen:
		return "-l "
	case g.Scan:
		return "-z "
	}
	return ""
}

// ncatCommand returns the hint for an operand that ncat's -c would run; empty if there
// is none.
func (g *grammar) ncatCommand() string {
	if !g.TLS || !g.Listen {
		return ""
	}
	for _, arg := range g.Args {
		if _, err := exec.LookPath(arg); err == nil || strings.Contains(arg, " ") {
			return "-c is TLS here; type gcat -l -e " + strconv.Quote(arg) + " PORT to run a command"
		}
	}
	return ""
}

// tookHost returns the hint for an option whose value is probably meant as the host, as
// the only operand is a port; empty if there is none.
func (g *grammar) tookHost() string {
	if len(g.Args) != 1 || !isPort(g.Args[0]) || g.Listen {
		return ""
	}
	for _, o := range []struct{ name, value string }{
		{"-o", g.Hexdump}, {"-e", g.Exec}, {"-P", g.ProxyUser}, {"-x", g.Proxy},
	} {
		if isAddress(o.value) || o.name == "-x" && o.value != "" && !strings.Contains(o.value, ":") {
			return fmt.Sprintf("%s took %q for its value: type gcat %[1]s VALUE %[2]s %s", o.name, o.value, g.Args[0])
		}
	}
	return ""
}

// translated returns words as one; if the first is an endpoint in another tool's syntax,
// it is translated to ours.
func translated(words []string) string {
	line := strings.Join(words, " ")
	_, err := conn.ParseEndpoint(words[0], conn.Syntax{})
	if e, ok := errors.AsType[*conn.Error](err); ok {
		if spelled, ok := strings.CutPrefix(e.Hint(), "type "); ok {
			return spelled + strings.TrimPrefix(line, words[0])
		}
	}
	return line
}

// swapped reports whether the operands are a port and a host, in the wrong order. A
// service name does not count as a port, as it may be a host; nor does 0, which is an
// address.
func swapped(args []string) bool {
	return len(args) == 2 && isPort(args[0]) && args[0] != "0" && isHost(args[1])
}

// isPort reports whether word is the number of a port.
func isPort(word string) bool {
	_, err := strconv.ParseUint(word, 10, 16)
	return err == nil
}

// isAddress reports whether word can only be a host.
func isAddress(word string) bool {
	_, err := netip.ParseAddr(word)
	return err == nil || word == "localhost"
}

// isHost reports whether word is a host rather than a service.
func isHost(word string) bool {
	return isAddress(word) || strings.Contains(word, ".") && !strings.ContainsAny(word, "/ ")
}

// isSocket reports whether word is the path of a Unix socket. If there is no such file,
// the suffix decides.
func isSocket(word string) bool {
	info, err := os.Stat(word)
	if err == nil {
		return info.Mode().Type() == os.ModeSocket
	}
	return strings.HasSuffix(word, ".sock") || strings.HasSuffix(word, ".socket")
}

// plainWords reports whether words need no quoting in a shell.
func plainWords(words ...string) bool {
	for _, w := range words {
		if w == "" || strings.Trim(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:/@%+-_[]") != "" {
			return false
		}
	}
	return true
}

// foreign maps options of ncat(1), nc(1), socat(1) and curl(1) to ours.
var foreign = map[string]string{
	"--ssl":            "--tls",
	"--ssl-verify":     "--tls, which always verifies,",
	"--ssl-cert":       "--tls-cert FILE",
	"--ssl-key":        "--tls-key FILE",
	"--ssl-trustfile":  "--tls-ca FILE",
	"--ssl-servername": "--tls-name NAME",
	"--ssl-alpn":       "--tls-alpn PROTO,...",
	"--cacert":         "--tls-ca FILE",
	"--cert":           "--tls-cert FILE",
	"--key":            "--tls-key FILE",
	"--insecure":       "--tls-insecure",
	"-H":               "--tls-fingerprint SHA256",
	"-R":               "--tls-ca FILE",
	"--sh-exec":        "--exec CMD",
	"--wait":           "--timeout D",
	"--max-time":       "--deadline D",
	"-m":               "--deadline D",
	"--delay":          "--interval D",
	"--source-port":    "--port PORT",
	"--nodns":          "--numeric",
	"--unixsock":       "--unix",
	"--unix-socket":    "--unix",
	"--hex-dump":       "--hexdump FILE",
	"--output":         "the shell's >FILE",
	"--proxy-type":     "--proxy-protocol 5|4|connect",
	"--proxy-auth":     "--proxy-user USER, with $GCAT_PROXY_PASSWORD,",
	"--socks5":         "--proxy socks5://HOST:PORT",
	"-I":               "--rcvbuf SIZE",
	"-O":               "--sndbuf SIZE",
	"-M":               "--ttl N",
	"-T":               "--tos N",
}
