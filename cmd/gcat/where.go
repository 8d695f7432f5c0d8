package main

import (
	"slices"
	"strings"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/scan"
)

// operandTargets returns the endpoints that the operands name: one, or with -z any
// number.
func (g *grammar) operandTargets() (targets []conn.Endpoint, err error) {
	switch {
	case len(g.Args) > 1 && g.Args[0] == "" && !g.Unix: // a script's variable is not set
		err = cli.Usagef("the host is empty")
	case swapped(g.Args) && !g.Unix:
		err = cli.Usagef("the port %q stands in front of the host %q", g.Args[0], g.Args[1])
	case g.Scan:
		targets, err = g.scanTargets()
	case g.Listen:
		targets, err = one(g.listenAddress())
	default:
		targets, err = one(g.destination())
	}
	if err != nil {
		return nil, cli.Hint(err, g.operandHint())
	}
	for i := range targets {
		targets[i].TLS = targets[i].TLS || g.TLS
	}
	return targets, nil
}

// one returns one target.
func one(e conn.Endpoint, err error) ([]conn.Endpoint, error) { return []conn.Endpoint{e}, err }

// parseTo reads the endpoint of --to.
func (g *gcat) parseTo() (err error) {
	if g.To != "" {
		g.to, err = conn.ParseEndpoint(g.To, conn.Syntax{Network: g.ipNetwork()})
	}
	return usage(err)
}

// syntax returns how the operands are read.
func (g *grammar) syntax() conn.Syntax {
	return conn.Syntax{Network: g.network(), Listening: g.Listen}
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

// destination returns the endpoint to connect to.
func (g *grammar) destination() (e conn.Endpoint, err error) {
	switch len(g.Args) {
	case 0:
		return e, cli.Usagef("no destination: want HOST PORT, HOST:PORT or a path")
	case 1:
		return g.endpoint(g.Args[0])
	case 2:
		if g.Unix {
			return e, cli.Usagef("cannot use a port with -U: %q", g.Args[1])
		}
		return g.hostPort(g.Args[0], g.Args[1])
	}
	return e, cli.Usagef("too many arguments: %q", g.Args[2])
}

// listenAddress returns the endpoint to listen on. It accepts the forms of all versions of
// nc.
func (g *grammar) listenAddress() (e conn.Endpoint, err error) {
	words := slices.Clone(g.Args)
	if g.Port != "" {
		words = append(words, g.Port)
	}
	switch {
	case len(words) == 0:
		return e, cli.Usagef("no port to listen on")
	case len(words) == 2 && g.Port != "" && g.Source != "", g.Source != "" && strings.Contains(words[0], "://"):
		return e, cli.Usagef("cannot use -s %s with the address %q", g.Source, words[0])
	case len(words) > 2 || len(words) == 2 && g.Source != "":
		return e, cli.Usagef("too many arguments: %q", g.Args[len(g.Args)-1])
	case len(words) == 2:
		return g.hostPort(words[0], words[1])
	case g.Port != "" || g.Source != "":
		return g.hostPort(g.Source, words[0])
	}
	return g.endpoint(words[0])
}

// scanTargets returns the endpoints of a scan: the ports of one host, or endpoints.
func (g *grammar) scanTargets() (targets []conn.Endpoint, err error) {
	if len(g.Args) == 0 {
		return nil, cli.Usagef("no destination: want HOST PORT[-PORT]... or HOST:PORT...")
	}
	host, words := g.Args[0], g.Args[1:]
	_, notOne := conn.ParseEndpoint(host, g.syntax())
	if _, _, several := cutPorts(host); len(words) > 0 && notOne != nil && !several && !g.Unix {
		return g.hostPorts(host, words)
	}
	for _, word := range g.Args {
		var more []conn.Endpoint
		if host, ports, several := cutPorts(word); several && !g.Unix {
			more, err = g.hostPorts(host, []string{ports})
		} else {
			more, err = one(g.endpoint(word))
		}
		if err != nil {
			return nil, err
		}
		targets = append(targets, more...)
	}
	return targets, nil
}

// hostPorts returns the endpoints of the ports of one host.
func (g *grammar) hostPorts(host string, words []string) ([]conn.Endpoint, error) {
	ports, err := scan.ParsePorts(words)
	if err != nil {
		return nil, usage(err)
	}
	targets := make([]conn.Endpoint, len(ports))
	for i, port := range ports {
		if targets[i], err = g.hostPort(host, port); err != nil {
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

// hostPort returns the endpoint that a host and a port name. A number is no host:
// inet_aton(3) would make 0.0.0.80 of 80.
func (g *grammar) hostPort(host, port string) (conn.Endpoint, error) {
	if isPort(host) && host != "0" && !g.Unix {
		return conn.Endpoint{}, cli.Usagef("%q is a port, not an address", host)
	}
	e, err := conn.ParseHostPort(host, port, g.syntax())
	return e, usage(err)
}

// endpoint returns the endpoint that one word names; with -U the word is always a path.
func (g *grammar) endpoint(word string) (conn.Endpoint, error) {
	e, err := conn.ParseEndpoint(word, g.syntax())
	switch {
	case g.Unix && word == "":
		return e, cli.Usagef("the path is empty")
	case g.Unix && (err != nil || !e.Unix()):
		return conn.Endpoint{Network: g.network(), Path: word}, nil
	case g.Unix, err != nil:
		return e, usage(err)
	}
	return g.checkScheme(word, e)
}

// checkScheme returns e with the family of -4 or -6, or an error if its scheme conflicts
// with -u, -4 or -6.
func (g *grammar) checkScheme(word string, e conn.Endpoint) (conn.Endpoint, error) {
	family := g.family()
	switch {
	case g.UDP && !e.Datagram():
		return e, cli.Usagef("cannot use -u with %q", word)
	case family == "":
	case e.Unix() || e.Network == "vsock" || e.CAN():
		return e, cli.Usagef("cannot use -%s with %q", family, word)
	case e.Network == "tls":
		e.Network = "tcp" + family
	case len(e.Network) == len("tcp"):
		e.Network += family
	case e.Network[len("tcp"):] != family:
		return e, cli.Usagef("cannot use -%s with %q", family, word)
	}
	return e, nil
}

// usage gives err the status of a usage error, and keeps its hint.
func usage(err error) error { return cli.WithStatus(cli.Usage, err) }
