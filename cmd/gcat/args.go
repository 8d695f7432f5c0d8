package main

import (
	"gcat/internal/cli"
	"gcat/internal/conn"
)

// Validate refuses what does not go together, before anything is opened. Kong
// calls it.
func (g *gcat) Validate() error {
	for _, c := range []struct {
		refused bool
		words   string
	}{
		{g.IPv4 && g.IPv6, "cannot use -4 with -6"},
		{g.Unix && (g.IPv4 || g.IPv6), "cannot use -4 or -6 with -U"},
		{g.Unix && g.Source != "" && !g.UDP, "cannot use -s with -U"},
		{g.Unix && g.Port != "", "cannot use -p with -U"},
		{g.KeepOpen && !g.Listen, "-k needs -l"},
		{g.SendOnly && g.RecvOnly, "cannot use --send-only with --recv-only"},
		{g.NoShutdown && g.Shutdown != "write" && g.Shutdown != "none", "cannot use --no-shutdown with --shutdown " + g.Shutdown},
		{g.Listen && g.Retry > 0, "cannot use --retry with -l"},
		{g.Backlog < 0, "--backlog cannot be negative"},
		{g.Backlog > 0 && !g.Listen, "--backlog needs -l"},
		{g.MaxConns < 1, "--max-conns must be at least 1"},
		{g.Ready != "" && !g.Listen, "--ready needs -l"},
	} {
		if c.refused {
			return cli.Usagef("%s", c.words)
		}
	}
	for _, check := range []func() error{g.checkScan, g.checkBytes, g.checkSocketValues} {
		if err := check(); err != nil {
			return err
		}
	}
	for _, d := range []struct {
		name  string
		value *cli.Duration
	}{
		{"-w", g.Timeout}, {"--connect-timeout", g.ConnectTimeout}, {"--idle-timeout", g.IdleTimeout},
		{"--deadline", &g.Deadline}, {"--retry", &g.Retry},
	} {
		if d.value != nil && *d.value < 0 {
			return cli.Usagef("%s cannot be negative", d.name)
		}
	}
	return nil
}

// network is what the flags make of an endpoint that does not say its own.
func (g *gcat) network() string {
	switch {
	case g.Unix && g.UDP:
		return "unixgram"
	case g.Unix:
		return "unix"
	}
	network := "tcp"
	if g.UDP {
		network = "udp"
	}
	switch {
	case g.IPv4:
		network += "4"
	case g.IPv6:
		network += "6"
	}
	return network
}

// destination is the endpoint to connect to.
func (g *gcat) destination() (conn.Endpoint, error) {
	syntax := conn.Syntax{Network: g.network()}
	switch len(g.Args) {
	case 0:
		return conn.Endpoint{}, cli.Usagef("no destination: want HOST PORT, HOST:PORT or a path")
	case 1:
		return g.endpoint(g.Args[0], syntax)
	case 2:
		if g.Unix {
			return conn.Endpoint{}, cli.Usagef("cannot use a port with -U: %q", g.Args[1])
		}
		e, err := conn.ParseHostPort(g.Args[0], g.Args[1], syntax)
		return e, usage(err)
	}
	return conn.Endpoint{}, cli.Usagef("too many arguments: %q", g.Args[2])
}

// place is the endpoint to listen on: all spellings of nc's listeners.
func (g *gcat) place() (conn.Endpoint, error) {
	syntax := conn.Syntax{Network: g.network(), Listening: true}
	args := g.Args
	switch {
	case len(args) > 2 || len(args) == 2 && (g.Port != "" || g.Source != ""):
		return conn.Endpoint{}, cli.Usagef("too many arguments: %q", args[len(args)-1])
	case len(args) == 2:
		e, err := conn.ParseHostPort(args[0], args[1], syntax)
		return e, usage(err)
	case g.Port != "":
		host := g.Source
		if len(args) == 1 {
			if host != "" {
				return conn.Endpoint{}, cli.Usagef("cannot use -s %s with the address %q", host, args[0])
			}
			host = args[0]
		}
		e, err := conn.ParseHostPort(host, g.Port, syntax)
		return e, usage(err)
	case len(args) == 0:
		return conn.Endpoint{}, cli.Usagef("no port to listen on")
	}
	if g.Source != "" {
		e, err := conn.ParseHostPort(g.Source, args[0], syntax)
		return e, usage(err)
	}
	return g.endpoint(args[0], syntax)
}

// endpoint reads one word; with -U it is a path whatever it looks like.
func (g *gcat) endpoint(word string, syntax conn.Syntax) (conn.Endpoint, error) {
	if g.Unix {
		if word == "" {
			return conn.Endpoint{}, cli.Usagef("the path is empty")
		}
		if e, err := conn.ParseEndpoint(word, syntax); err == nil && e.Unix() {
			return e, nil
		}
		return conn.Endpoint{Network: g.network(), Path: word}, nil
	}
	e, err := conn.ParseEndpoint(word, syntax)
	if err != nil {
		return e, usage(err)
	}
	return g.agree(word, e)
}

// agree holds an endpoint's own scheme against the flags.
func (g *gcat) agree(word string, e conn.Endpoint) (conn.Endpoint, error) {
	if g.UDP && !e.Datagram() {
		return e, cli.Usagef("cannot use -u with %q", word)
	}
	family := ""
	if g.IPv4 {
		family = "4"
	} else if g.IPv6 {
		family = "6"
	}
	switch {
	case family == "":
	case e.Unix() || e.Network == "vsock":
		return e, cli.Usagef("cannot use -%s with %q", family, word)
	case e.Network == "tcp" || e.Network == "udp":
		e.Network += family
	case e.Network == "tls":
		g.TLS, e.Network = true, "tcp"+family
	case e.Network[3:] != family:
		return e, cli.Usagef("cannot use -%s with %q", family, word)
	}
	return e, nil
}

// usage makes err one of the command line; its hint stays.
func usage(err error) error {
	return cli.WithStatus(cli.Usage, err)
}
