package main

import (
	"strings"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/scan"
)

// A target is an endpoint of the command line, with or without TLS. The zero value is no
// target.
type target struct {
	conn.Endpoint
	TLS bool
}

// operandTargets returns the target that the operands name; with -z there may be several.
func (g *grammar) operandTargets() (targets []target, err error) {
	var one target
	switch {
	case len(g.Args) == 2 && g.Args[0] == "" && !g.Unix: // a script's variable is not set
		err = cli.Usagef("the host is empty")
	case swapped(g.Args) && !g.Unix:
		err = cli.Usagef("the port %q stands in front of the host %q", g.Args[0], g.Args[1])
	case g.Scan:
		targets, err = g.scanTargets()
		return targets, g.suggest(err)
	case g.Listen:
		one, err = g.listenAddress()
	default:
		one, err = g.destination()
	}
	if err != nil {
		return nil, g.suggest(err)
	}
	return []target{one}, nil
}

// toTarget returns the target of --to; the zero target without --to.
func (g *grammar) toTarget() (target, error) {
	if g.To == "" {
		return target{}, nil
	}
	e, err := conn.ParseEndpoint(g.To, conn.Syntax{Network: g.ipNetwork()})
	return target{e, e.Network == "tls"}, usage(err)
}

// network returns the network of an endpoint without a scheme, from the flags.
func (g *grammar) network() string {
	switch {
	case g.Unix && g.UDP:
		return "unixgram"
	case g.Unix:
		return "unix"
	}
	return g.ipNetwork()
}

// ipNetwork returns the network of an endpoint that is not a Unix socket.
func (g *grammar) ipNetwork() string {
	if g.UDP {
		return "udp" + g.family()
	}
	return "tcp" + g.family()
}

// family returns the digit that -4 or -6 appends to the name of a network.
func (g *grammar) family() string {
	switch {
	case g.IPv4:
		return "4"
	case g.IPv6:
		return "6"
	}
	return ""
}

// destination returns the target to connect to.
func (g *grammar) destination() (target, error) {
	syntax := conn.Syntax{Network: g.network()}
	switch len(g.Args) {
	case 0:
		return target{}, cli.Usagef("no destination: want HOST PORT, HOST:PORT or a path")
	case 1:
		return g.endpoint(g.Args[0], syntax)
	case 2:
		if g.Unix {
			return target{}, cli.Usagef("cannot use a port with -U: %q", g.Args[1])
		}
		return g.hostPort(g.Args[0], g.Args[1], syntax)
	}
	return target{}, cli.Usagef("too many arguments: %q", g.Args[2])
}

// listenAddress returns the target to listen on. It accepts the forms of all versions of nc.
func (g *grammar) listenAddress() (target, error) {
	syntax := conn.Syntax{Network: g.network(), Listening: true}
	args := g.Args
	switch {
	case len(args) > 2 || len(args) == 2 && (g.Port != "" || g.Source != ""):
		return target{}, cli.Usagef("too many arguments: %q", args[len(args)-1])
	case len(args) == 2:
		return g.hostPort(args[0], args[1], syntax)
	case g.Port != "" && len(args) == 1 && g.Source != "":
		return target{}, cli.Usagef("cannot use -s %s with the address %q", g.Source, args[0])
	case g.Port != "" && len(args) == 1:
		return g.hostPort(args[0], g.Port, syntax)
	case g.Port != "":
		return g.hostPort(g.Source, g.Port, syntax)
	case len(args) == 0:
		return target{}, cli.Usagef("no port to listen on")
	case g.Source != "":
		return g.hostPort(g.Source, args[0], syntax)
	}
	return g.endpoint(args[0], syntax)
}

// scanTargets returns the targets of a scan: the ports of one host, or endpoints.
func (g *grammar) scanTargets() ([]target, error) {
	if len(g.Args) == 0 {
		return nil, cli.Usagef("no destination: want HOST PORT[-PORT]... or HOST:PORT...")
	}
	syntax := conn.Syntax{Network: g.network()}
	host, words := g.Args[0], g.Args[1:]
	_, err := conn.ParseEndpoint(host, syntax)
	if _, _, several := cutPorts(host); len(words) > 0 && err != nil && !several && !g.Unix {
		return g.hostPorts(host, words, syntax)
	}
	var targets []target
	for _, word := range g.Args {
		if host, ports, ok := cutPorts(word); ok && !g.Unix {
			more, err := g.hostPorts(host, []string{ports}, syntax)
			if err != nil {
				return nil, err
			}
			targets = append(targets, more...)
			continue
		}
		p, err := g.endpoint(word, syntax)
		if err != nil {
			return nil, err
		}
		targets = append(targets, p)
	}
	return targets, nil
}

// hostPorts returns the targets for the ports of one host.
func (g *grammar) hostPorts(host string, words []string, syntax conn.Syntax) ([]target, error) {
	ports, err := scan.ParsePorts(words)
	if err != nil {
		return nil, usage(err)
	}
	targets := make([]target, len(ports))
	for i, port := range ports {
		if targets[i], err = g.hostPort(host, port, syntax); err != nil {
			return nil, err
		}
	}
	return targets, nil
}

// cutPorts splits HOST:PORTS; ok reports that PORTS are several.
func cutPorts(word string) (host, ports string, ok bool) {
	i := strings.LastIndexByte(word, ':')
	if i < 0 || strings.Contains(word, "/") {
		return "", "", false
	}
	host, ports = word[:i], word[i+1:]
	several := strings.ContainsAny(ports, ",-") && strings.Trim(ports, "0123456789,-") == ""
	return host, ports, several && (!strings.Contains(host, ":") || strings.HasPrefix(host, "["))
}

// hostPort returns the target that a host and a port name. A number is no host:
// inet_aton(3) would make 0.0.0.80 of 80.
func (g *grammar) hostPort(host, port string, syntax conn.Syntax) (target, error) {
	if isPort(host) && host != "0" && !g.Unix {
		return target{}, cli.Usagef("%q is a port, not an address", host)
	}
	e, err := conn.ParseHostPort(host, port, syntax)
	return target{e, g.TLS}, usage(err)
}

// endpoint returns the target that one word names; with -U the word is always a path.
func (g *grammar) endpoint(word string, syntax conn.Syntax) (target, error) {
	e, err := conn.ParseEndpoint(word, syntax)
	switch {
	case g.Unix && word == "":
		return target{}, cli.Usagef("the path is empty")
	case g.Unix && (err != nil || !e.Unix()):
		return target{conn.Endpoint{Network: g.network(), Path: word}, g.TLS}, nil
	case g.Unix:
		return target{e, g.TLS}, nil
	case err != nil:
		return target{}, usage(err)
	}
	return g.checkScheme(word, e)
}

// checkScheme returns the target of e, or an error if its scheme conflicts with -u, -4
// or -6.
func (g *grammar) checkScheme(word string, e conn.Endpoint) (target, error) {
	p := target{e, g.TLS || e.Network == "tls"}
	family := g.family()
	switch {
	case g.UDP && !e.Datagram():
		return p, cli.Usagef("cannot use -u with %q", word)
	case family == "":
	case e.Unix() || e.Network == "vsock" || e.CAN():
		return p, cli.Usagef("cannot use -%s with %q", family, word)
	case e.Network == "tls":
		p.Network = "tcp" + family
	case len(e.Network) == len("tcp"):
		p.Network += family
	case e.Network[len("tcp"):] != family:
		return p, cli.Usagef("cannot use -%s with %q", family, word)
	}
	return p, nil
}

// usage gives err the status of a usage error, and keeps its hint.
func usage(err error) error { return cli.WithStatus(cli.Usage, err) }
