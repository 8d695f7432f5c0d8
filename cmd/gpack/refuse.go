package main

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/term"

	"gcat/internal/cli"
	"gcat/internal/pack"
)

// A conflict is a combination of options that makes no sense.
type conflict struct {
	wrong bool
	words string
}

// refuse returns the usage error of a command line that makes no sense, else, with -f,
// f as a header. Nothing has been opened yet.
func (g *gpack) refuse(f *pack.Format) (*pack.Header, error) {
	look := g.Size || g.Explain && !g.Decode
	for _, c := range []conflict{
		{g.Size && g.Explain, "cannot use -z with --explain"},
		{g.Size && g.Decode, "cannot use -z with -d"},
		{g.Size && g.Frame, "cannot use -z with -f"},
		{g.Explain && g.Frame, "cannot use --explain with -f"},
		{look && g.Write != "", "cannot use -w with -z or --explain"},
		{look && len(g.Args) > 0, "too many operands: -z and --explain take FORMAT alone"},
		{g.Decode && g.Explain && (g.JSON || g.Shell || g.Names != nil || g.Separator != nil || g.Offsets), "cannot use -d --explain with -j, -S, -k, -t or -a"},
		{g.Count != nil && *g.Count < 0, "-n cannot be negative"},
		{g.Count != nil && g.Exact && *g.Count != 1, "cannot use -1 with -n"},
		{g.Hex && g.Binary != nil && *g.Binary != pack.Hex, "cannot use -x with another -b"},
		{g.Radix != 10 && g.Radix != 16 && g.Radix != 8 && g.Radix != 2, "-r wants 10, 16, 8 or 2"},
		{g.JSON && g.Shell, "cannot use -j with -S"},
		{g.JSON && g.Separator != nil, "cannot use -j with -t"},
		{g.Shell && g.Separator != nil, "cannot use -S with -t"},
		{g.JSON && g.Radix != 10, "cannot use -j with -r: JSON has decimal numbers only"},
		{g.JSON && g.RawStrings, "cannot use -j with -R"},
		{g.Separator != nil && *g.Separator == "", "-t wants a separator that is not empty"},
		{!g.Decode && g.Shell, "-S needs -d"},
		{!g.Decode && g.Offsets, "-a needs -d"},
		{!g.Decode && g.Trim, "-T needs -d"},
		{!g.Decode && g.Radix != 10, "-r needs -d"},
		{g.Decode && g.Wrap, "cannot use --wrap with -d"},
		{g.Decode && g.Strict, "cannot use --strict with -d"},
		{g.Decode && g.Write != "", "cannot use -w with -d"},
		{!g.Decode && !look && g.Skip != 0 && g.Write == "", "-s needs -d or -w"},
		{!g.Frame && g.Adjust != 0, "-A needs -f"},
		{!g.Frame && g.Length != "", "--length needs -f"},
		{g.KeepHeader && !(g.Decode && g.Frame), "-H needs -df"},
		{g.Exec != "" && !(g.Decode && g.Frame), "-e needs -df"},
		{g.Lines && (g.Decode || !g.Frame), "-L needs -f without -d"},
		{g.Frame && g.Shell, "cannot use -S with -f"},
		{g.Frame && g.Names != nil, "cannot use -k with -f"},
		{g.Frame && g.Trim, "cannot use -T with -f"},
		{g.Frame && g.Radix != 10, "cannot use -r with -f"},
		{g.Frame && !g.Decode && g.JSON, "-j needs -d with -f"},
		{g.Frame && !g.Decode && !g.Lines && g.Count != nil && *g.Count != 1, "-n needs -L with -f"},
		{g.Exec != "" && (g.JSON || g.Offsets || g.Binary != nil || g.Hex), "cannot use -e with -j, -a, -b or -x"},
		{g.JSON && g.Frame && (g.Binary != nil || g.Hex), "cannot use -j with -b or -x"},
		{g.Offsets && g.Frame && g.rawPayloads(), "cannot use -a with raw payloads"},
		{g.Decode && g.Exact && len(g.Args) > 1, "cannot use -1 with several files"},
	} {
		if c.wrong {
			return nil, cli.Usagef("%s", c.words)
		}
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
// option.
func (g *gpack) misplaced(err error) error {
	for _, arg := range g.Args {
		if e, ok := errors.AsType[*cli.Error](err); ok && e.Status == cli.Local && looksLikeOption(arg) {
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
