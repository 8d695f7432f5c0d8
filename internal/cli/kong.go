package cli

import (
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// kong reads a command line that reader.set does not: with options that are given
// twice, lists with commas, numbers in other spellings, or values of switches. It also
// words the errors of values. Each option is passed as one word, and the operands are
// placeholders.
func (a *App) kong(r *reader) error {
	var args []string
	for _, w := range r.words {
		arg := "--" + w.name
		if w.valued {
			arg += "=" + w.value
		}
		args = append(args, arg)
	}
	for _, o := range r.operands {
		if !has(o.tags, "optional") {
			args = append(args, "x")
		}
	}
	if err := a.parse(r, args); err != nil {
		text := err.Error()
		for _, e := range rewordings {
			text = regexp.MustCompile(e.kong).ReplaceAllString(text, e.ours)
		}
		return Usagef("%s", text)
	}
	for _, w := range r.words {
		if !utf8.ValidString(w.value) { // kong has replaced some bytes by U+FFFD
			if _, err := assign(w.field, w.value); err != nil {
				return Usagef("--%s: %w", w.name, err)
			}
		}
	}
	return nil
}

// parse parses args by kong.
func (a *App) parse(r *reader, args []string) error {
	parser, err := kong.New(r.grammar, kong.Name(a.Name), kong.NoDefaultHelp(), kong.Writers(io.Discard, io.Discard))
	if err == nil {
		_, err = parser.Parse(args)
	}
	return err
}

// unknownOption returns the error for an option that does not exist, with similar ones
// that do. arg is the argument that contains it.
func (a *App) unknownOption(r *reader, typed, arg string) error {
	if ours := a.Foreign[typed]; ours != "" {
		return Hint(Usagef("unknown option %q", typed), typed+" is "+ours+" here")
	}
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	switch {
	case len(name) < 3: // similar to each letter
	case r.find(name, "") != nil: // the reader takes -timeout for a bundle of letters
		return Usagef("unknown option %q, did you mean --%s?", arg, name)
	case strings.HasPrefix(typed, "--"):
		if _, similar, ok := strings.Cut(a.parse(r, []string{"--" + name}).Error(), ", did you mean "); ok {
			return Usagef("unknown option %q, did you mean %s", typed, strings.ReplaceAll(similar, `"`, ""))
		}
	}
	return Usagef("unknown option %q", typed)
}

// rewordings replace kong's errors of values by ours.
var rewordings = []struct{ kong, ours string }{
	{`^(--[^ ]+): expected (?:an|a valid \d+ bit) u?int but got (".*").*$`, `$1: bad number $2: want a whole number`},
	{`^(--[^ ]+): bool value must be .* but got (".*")$`, `$1 takes no value, got $2`},
	{`^(--[^ ]+) must be one of (?:"",)?(.*) but got (".*")$`, `$1: bad value $3: want one of $2`},
}
