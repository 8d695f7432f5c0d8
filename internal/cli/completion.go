package cli

import (
	"slices"
	"strings"
)

// An option is a flag with what --help has on it.
type option struct {
	*flag
	placeholder, help string
	values            values // if it takes a value
}

// values complete the value of an option, in the language of each shell.
type values struct {
	bash string // the command that fills COMPREPLY
	zsh  string // the action of _arguments
	fish string // the options of complete(1)
}

// complete prints the completion script for shell, made from the grammar and from
// --help.
func (a *App) complete(r *reader, shell string) error {
	// An operand names a peer, a host or the file of a Unix socket, or else a file.
	hosts := slices.ContainsFunc(r.operands, func(o operand) bool { return o.name == "dest" || o.name == "endpoint" })
	switch shell {
	case "bash":
		return print(bashCompletion(a.called(), a.options(r)))
	case "zsh":
		return print(zshCompletion(a.called(), a.options(r), hosts))
	case "fish":
		return print(fishCompletion(a.called(), a.options(r), hosts))
	}
	return Usagef("no completion script for %q: type --completion bash, zsh or fish", shell)
}

// options lists the options that --help describes.
func (a *App) options(r *reader) []option {
	var list []option
	for _, f := range r.flags {
		if placeholder, words := a.described(f.name); words != "" {
			list = append(list, option{&f, placeholder, a.renamed(words), valuesOf(&f, placeholder)})
		}
	}
	return list
}

// valuesOf returns how the values of f are completed: those of its enum or of a
// placeholder that lists them ("text|json"), or what the placeholder names.
func valuesOf(f *flag, placeholder string) values {
	choices := strings.ReplaceAll(f.enum, ",", " ")
	switch {
	case f.name == "completion":
		choices = "bash zsh fish"
	case choices == "" && strings.Contains(placeholder, "|"):
		choices = strings.ReplaceAll(placeholder, "|", " ")
	}
	switch {
	case choices != "":
		return values{`COMPREPLY=($(compgen -W '` + choices + `' -- "$cur"))`, "(" + zshQuote(choices) + ")", " -x -a " + fishQuote(choices)}
	case strings.Contains(placeholder, "FILE"), strings.Contains(placeholder, "PATH"):
		return values{":", "_files", " -r -F"} // bash itself completes files
	case strings.Contains(placeholder, "HOST"), placeholder == "ADDR", strings.HasPrefix(placeholder, "ENDPOINT"):
		return values{`COMPREPLY=($(compgen -A hostname -- "$cur"))`, "_hosts", " -x -a '(__fish_print_hostnames)'"}
	case strings.Contains(placeholder, "CMD"), strings.Contains(placeholder, "COMMAND"):
		return values{`COMPREPLY=($(compgen -c -- "$cur"))`, "_cmdstring", " -x -a '(__fish_complete_command)'"}
	}
	return values{"compopt +o default +o bashdefault 2>/dev/null", " ", " -x"}
}

// names returns the spellings of o, the short one first.
func (o option) names() []string {
	if o.letter == "" {
		return []string{"--" + o.name}
	}
	return []string{"-" + o.letter, "--" + o.name}
}
