package main

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/term"

	"gcat/internal/cli"
	"gcat/internal/pack"
)

// describes reports whether the command only describes the format.
func (g *gpack) describes() bool { return g.Size || g.Explain && !g.Decode }

// rules returns the table of conflicts.
func (g *gpack) rules() []cli.Rule {
	formed := g.Binary != nil || g.Hex
	one := g.Count == nil || *g.Count == 1
	return []cli.Rule{
		{Of: "-z", Not: "--explain -d -f"},
		{Of: "--explain", Not: "-f"},
		{Of: "-w", With: "-z or --explain", Unless: !g.describes()},
		{Of: "-1", Not: "-n", Unless: one},
		{Of: "-x", With: "another -b", Unless: g.Binary == nil || *g.Binary == pack.Hex},
		{Of: "-j", Not: "-S -t"},
		{Of: "-S", Not: "-t"},
		{Of: "-j", With: "-r: JSON has decimal numbers only", Unless: g.Radix == 10},
		{Of: "-j", Not: "-R"},
		{Of: "-S -a -T -r", Needs: "-d"},
		{Of: "--wrap --strict -w", Not: "-d"},
		{Of: "-s", Lacks: "-d or -w", Unless: g.Decode || g.describes() || g.Write != ""},
		{Of: "-A --length", Needs: "-f"},
		{Of: "-H -e", Lacks: "-df", Unless: g.Decode && g.Frame},
		{Of: "-L", Lacks: "-f without -d", Unless: g.Frame && !g.Decode},
		{Of: "-S -k -T -r", Not: "-f"},
		{Of: "-j", Lacks: "-d with -f", Unless: g.Decode || !g.Frame},
		{Of: "-n", Lacks: "-L with -f", Unless: g.Decode || !g.Frame || g.Lines || one},
		{Of: "-e", With: "-j, -a, -b or -x", Unless: !g.JSON && !g.Offsets && !formed},
		{Of: "-j", With: "-b or -x", Unless: !g.Frame || !formed},
		{Of: "-a", With: "raw payloads", Unless: !g.Frame || !g.rawPayloads()},
		{Of: "-1", With: "several files", Unless: !g.Decode || len(g.Args) < 2},
	}
}

// refuse returns the usage error of a command line that makes no sense, else, with -f,
// f as a header. Nothing has been opened yet.
func (g *gpack) refuse(f *pack.Format) (*pack.Header, error) {
	switch {
	case g.describes() && len(g.Args) > 0:
		return nil, cli.Usagef("too many operands: -z and --explain take FORMAT alone")
	case g.Decode && g.Explain && (g.JSON || g.Shell || g.Names != nil || g.Separator != nil || g.Offsets):
		return nil, cli.Usagef("cannot use -d --explain with -j, -S, -k, -t or -a")
	case g.Radix != 10 && g.Radix != 16 && g.Radix != 8 && g.Radix != 2:
		return nil, cli.Usagef("-r wants 10, 16, 8 or 2")
	case g.Separator != nil && *g.Separator == "":
		return nil, cli.Usagef("-t wants a separator that is not empty")
	}
	if err := cli.Refuse(g.Given(), g.rules()); err != nil {
		return nil, err
	}
	if err := g.refuseFormat(f); err != nil || !g.Frame {
		return nil, err
	}
	h, err := pack.NewHeader(f, g.Length)
	if err != nil {
		return nil, cli.Usagef("%w", err)
	}
	return h, nil
}

// refuseFormat refuses options that do not fit the format.
func (g *gpack) refuseFormat(f *pack.Format) error {
	o := g.options()
	if err := o.CheckSeparator(); err != nil {
		return cli.Usagef("%w", err)
	}
	if err := o.CheckNames(f); err != nil && !g.Frame {
		return cli.Usagef("%w", err)
	}
	size, fixed := f.Size()
	end, but := "\n", "a newline ends records: it cannot separate fields, except with -0"
	if g.Null {
		end, but = "\x00", "a NUL byte ends records with -0: it cannot separate fields"
	}
	switch {
	case g.Size && !fixed:
		return cli.Usagef("the size of a record of %s varies", f.Quoted())
	case g.Decode && !g.Frame && fixed && size == 0 && g.Count == nil && !g.Exact:
		return cli.Usagef("cannot iteratively unpack with a struct of length 0")
	case strings.Contains(o.Separator, end) && (g.Decode || g.filter(f)):
		return cli.Usagef("%s", but)
	}
	return nil
}

// filter reports whether the values of the records come from standard input.
func (g *gpack) filter(f *pack.Format) bool {
	n, fixed := f.Values()
	return !g.Decode && !g.Frame && len(g.Args) == 0 && (n > 0 || !fixed || g.JSON) && (g.Count == nil || *g.Count > 0)
}

// rawPayloads reports whether deframed payloads are written as they are.
func (g *gpack) rawPayloads() bool {
	return g.Binary != nil && g.form() == pack.Raw || g.Count != nil && *g.Count == 1 && !g.JSON && g.form() == pack.Raw
}

// misplaced adds a hint to an error about operands, if one of them looks like an
// option. One that is a good value, in front of a bad one, is none.
func (g *gpack) misplaced(err error) error {
	args := g.Args
	if e, ok := errors.AsType[*pack.DataError](err); ok {
		args = args[max(e.Value, 1)-1:]
	}
	for _, arg := range args {
		if looksLikeOption(arg) {
			return cli.Hint(err, "options go before FORMAT: gpack "+arg+" ... "+g.Format)
		}
	}
	return err
}

// looksLikeOption reports whether an operand is spelled as an option and is no
// number.
func looksLikeOption(arg string) bool {
	if len(arg) < 2 || arg[0] != '-' || arg[1] >= '0' && arg[1] <= '9' || arg[1] == '.' {
		return false
	}
	return !strings.EqualFold(arg, "-inf") && !strings.EqualFold(arg, "-nan")
}

// refuseTerminal refuses to write binary to a terminal, and to read values from one.
func (g *gpack) refuseTerminal(f *pack.Format) error {
	if g.filter(f) && term.IsTerminal(int(os.Stdin.Fd())) {
		return cli.Hint(cli.Usagef("no VALUE, and standard input is a terminal"),
			"give the values behind FORMAT, or lines of them: seq 3 | gpack H | od -c")
	}
	binary := !g.Decode && g.form() == pack.Raw && g.Write == "" || g.Decode && g.Frame && g.Exec == "" && g.rawPayloads()
	if binary && !g.Force && term.IsTerminal(int(os.Stdout.Fd())) {
		return cli.Hint(cli.Usagef("standard output is a terminal: binary is not written to it without --force"),
			"gpack -x writes hex")
	}
	return nil
}
