package main

import (
	"gcat/internal/cli"
	"gcat/internal/echo"
)

// refuse says what does not go together, before anything is opened.
func (g *gecho) refuse() error {
	if err := g.refuseValues(); err != nil {
		return err
	}
	wordy := ""
	switch {
	case g.Reply != nil:
		wordy = "--reply"
	case g.Suffix != "":
		wordy = "--suffix"
	case g.Control:
		wordy = "--control"
	case g.Lines:
		wordy = "--lines"
	}
	switch {
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
		return cli.Usagef("cannot use --no-accept with --once or --count: nobody would come")
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
	}{{"--timeout", g.Timeout}, {"--deadline", g.Deadline}, {"--grace", g.Grace}, {"--delay", cli.Duration(g.Delay.min)}} {
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
