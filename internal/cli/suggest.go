package cli

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// usageError turns kong's error about args into ours: the user's words quoted,
// and what to type instead.
func (a *App) usageError(model *kong.Application, args []string, err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	text := err.Error()
	if typed, ok := strings.CutPrefix(text, "unknown flag "); ok {
		typed, _, _ = strings.Cut(typed, ", did you mean ")
		return unknownOption(model, args, typed)
	}
	if typed, ok := strings.CutPrefix(text, "unexpected argument "); ok {
		typed, _, _ = strings.Cut(typed, ", did you mean ")
		return Usagef("unexpected argument %q: usage: %s", typed, a.synopsis())
	}
	if missing, ok := strings.CutPrefix(text, "expected "); ok {
		missing = strings.ToUpper(strings.Trim(missing, `"<>[]. `))
		return Usagef("%s is missing: usage: %s", missing, a.synopsis())
	}
	for _, r := range rewordings {
		if kongs := regexp.MustCompile(r.kong); kongs.MatchString(text) {
			return Usagef("%s", kongs.ReplaceAllString(text, r.ours))
		}
	}
	return Usagef("%s", text)
}

// rewordings turn what kong says about a value into what to type. They are
// compiled when they are needed, for the sake of a quick start.
var rewordings = []struct{ kong, ours string }{
	{`^(--[^ ]+): expected (?:an|a valid \d+ bit) u?int but got (".*").*$`, `$1: bad number $2: want a whole number`},
	{`^(--[^ ]+): expected a float but got (".*").*$`, `$1: bad number $2`},
	{`^(--[^ ]+): bool value must be .* but got (".*")$`, `$1 takes no value, got $2`},
	{`^(--[^ ]+) must be one of (.*) but got (".*")$`, `$1: bad value $3: want one of $2`},
}

func (a *App) synopsis() string {
	if len(a.Synopsis) == 0 {
		return a.Name + " [options]"
	}
	return a.Synopsis[0]
}

// unknownOption is the error about an option that does not exist: it names the
// nearest that does.
func unknownOption(model *kong.Application, args []string, typed string) error {
	// -timeout, with one hyphen, is read as a bundle of letters.
	for _, arg := range args {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if f := long(model, name); f != nil && len(name) > 1 && !strings.HasPrefix(arg, "--") && strings.HasPrefix(arg, "-") {
			return Usagef("unknown option %q, did you mean %s?", arg, typable(f))
		}
	}
	if name, ok := strings.CutPrefix(typed, "--"); ok {
		if f := nearest(model, name); f != nil {
			return Usagef("unknown option %q, did you mean %s?", typed, typable(f))
		}
	} else if f := otherCase(model, strings.TrimPrefix(typed, "-")); f != nil {
		return Usagef("unknown option %q, did you mean -%c (--%s)?", typed, f.Short, f.Name)
	}
	return Usagef("unknown option %q", typed)
}

// typable is an option as one would type it: "--timeout D".
func typable(f *kong.Flag) string {
	if takesValue(f) {
		return "--" + f.Name + " " + placeholder(f)
	}
	return "--" + f.Name
}

func long(model *kong.Application, name string) *kong.Flag {
	for _, f := range model.Flags {
		if f.Name == name {
			return f
		}
	}
	return nil
}

func short(model *kong.Application, letter rune) *kong.Flag {
	for _, f := range model.Flags {
		if f.Short == letter && letter != 0 {
			return f
		}
	}
	return nil
}

// otherCase is the flag whose letter differs from letter in its case only.
func otherCase(model *kong.Application, letter string) *kong.Flag {
	for _, f := range model.Flags {
		if f.Short != 0 && !f.Hidden && strings.EqualFold(string(f.Short), letter) {
			return f
		}
	}
	return nil
}

// nearest is the flag whose name needs the fewest changes to become name, or
// contains it or is contained in it; nil if all are too far to be meant.
func nearest(model *kong.Application, name string) *kong.Flag {
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	if name == "" {
		return nil
	}
	var best *kong.Flag
	limit := utf8.RuneCountInString(name)*2/5 + 1
	for _, f := range model.Flags {
		if f.Hidden {
			continue
		}
		d := distance(name, f.Name)
		if len(name) >= 3 && (strings.Contains(f.Name, name) || len(f.Name) >= 3 && strings.Contains(name, f.Name)) {
			d = 1
		}
		if strings.HasPrefix(f.Name, name) {
			d = 0
		}
		if d < limit {
			best, limit = f, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, change or swap with
// their neighbour to get from a to b (optimal string alignment).
func distance(a, b string) int {
	before, last, row := []int(nil), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, make([]int, len(b)+1)
	}
	return last[len(b)]
}

// missingValue is the error about an option that lacks its value: it is the last
// word of the command line as it was typed, or "--" follows. Only here are the
// operands still in their places: once they are behind the options, one of them
// would be taken for the value.
func missingValue(model *kong.Application, args []string) error {
	stops := len(model.Positional) > 0 && model.Positional[0].Passthrough
	for i := 0; i < len(args); i++ {
		arg := args[i]
		var f *kong.Flag
		switch {
		case arg == "--":
			return nil
		case strings.HasPrefix(arg, "--"):
			name, value, valued := strings.Cut(arg[2:], "=")
			f = long(model, name)
			if valued {
				if err := emptyValue(f, "--"+name, value); err != nil {
					return err
				}
				continue
			}
		case len(arg) > 1 && arg[0] == '-':
			f = lastOfBundle(model, arg[1:])
		case stops:
			return nil // the rest are operands, whatever they look like
		}
		if f == nil || !takesValue(f) {
			continue
		}
		name := arg
		if !strings.HasPrefix(arg, "--") {
			name = "-" + string(f.Short)
		}
		if i++; i == len(args) || args[i] == "--" {
			return Usagef("%s needs a value: type %s %s", name, name, placeholder(f))
		}
		if err := emptyValue(f, arg, args[i]); err != nil {
			return err
		}
	}
	return nil
}

// emptyValue refuses an empty value of a flag that is tagged filled:"": most
// likely a variable of a script is not set, and to go on as if the flag were not
// there would let in, or tell, the wrong ones.
func emptyValue(f *kong.Flag, name, value string) error {
	if f != nil && value == "" && f.Tag.Has("filled") {
		return Usagef("the value of %s is empty", name)
	}
	return nil
}

// lastOfBundle is the flag of the last letter of "lkw", nil if one before it
// takes the rest as its value, or one is unknown.
func lastOfBundle(model *kong.Application, letters string) *kong.Flag {
	for letters != "" {
		r, n := utf8.DecodeRuneInString(letters)
		f := short(model, r)
		if letters = letters[n:]; f == nil || letters == "" {
			return f
		}
		if takesValue(f) {
			return nil
		}
	}
	return nil
}
