package cli

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completion is the completion script for shell, made from the grammar.
func (a *App) completion(model *kong.Application, shell string) (string, error) {
	words := completed(model)
	switch shell {
	case "bash":
		return bashCompletion(a.Name, words), nil
	case "zsh":
		return zshCompletion(a.Name, words, operands(model)), nil
	case "fish":
		return fishCompletion(a.Name, words, operands(model)), nil
	}
	return "", Usagef("no completion script for %q: type --completion bash, zsh or fish", shell)
}

// A kind is what the value of an option is, as far as a shell can complete it.
type kind int

const (
	plain   kind = iota // nothing a shell knows
	oneOf               // one of the option's choices
	file                // a file's name
	host                // a host's name
	command             // a command line for sh -c
)

// An option is a flag as the scripts need it.
type option struct {
	long, short string // without hyphens; short may be empty
	help        string
	value       string // the placeholder; empty if it takes none
	kind        kind
	choices     []string
	repeats     bool
}

// names lists how o can be typed, the short name first.
func (o option) names() []string {
	if o.short == "" {
		return []string{"--" + o.long}
	}
	return []string{"-" + o.short, "--" + o.long}
}

// completed lists the options that the scripts complete.
func completed(model *kong.Application) []option {
	var list []option
	for _, f := range model.Flags {
		if f.Hidden {
			continue
		}
		o := option{long: f.Name, help: strings.TrimSuffix(f.Help, "."), repeats: f.IsCounter() || f.IsCumulative()}
		if f.Short != 0 {
			o.short = string(f.Short)
		}
		if takesValue(f) {
			o.value, o.choices = placeholder(f), choices(f)
			o.kind = kindOf(o.value)
			if len(o.choices) > 0 {
				o.kind = oneOf
			}
		}
		list = append(list, o)
	}
	return list
}

// choices lists the values that f can have: those of its enum, or of a
// placeholder that spells them out ("text|json").
func choices(f *kong.Flag) []string {
	if f.Name == "completion" {
		return []string{"bash", "zsh", "fish"}
	}
	list := f.EnumSlice()
	if f.Enum == "" {
		list = nil
		if strings.Contains(f.PlaceHolder, "|") {
			list = strings.Split(f.PlaceHolder, "|")
		}
	}
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
}

// kindOf guesses from a placeholder what a value is.
func kindOf(placeholder string) kind {
	switch {
	case strings.Contains(placeholder, "FILE"), strings.Contains(placeholder, "PATH"):
		return file
	case strings.Contains(placeholder, "HOST"), placeholder == "ADDR", strings.HasPrefix(placeholder, "ENDPOINT"):
		return host
	case strings.Contains(placeholder, "CMD"), strings.Contains(placeholder, "COMMAND"):
		return command
	}
	return plain
}

// operands says what a command's operands are: host (which includes the files
// of Unix sockets) if one of them names a peer, else file.
func operands(model *kong.Application) kind {
	for _, p := range model.Positional {
		name := strings.ToLower(p.Name)
		for _, word := range []string{"dest", "host", "addr", "endpoint", "target"} {
			if strings.Contains(name, word) {
				return host
			}
		}
	}
	return file
}
