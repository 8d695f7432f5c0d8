package cli

import (
	"reflect"
	"strings"
)

// An option is a flag as the completion scripts need it.
type option struct {
	long, short string // without hyphens; short may be empty
	help        string
	value       string // the placeholder; empty if it takes none
	values      values
	repeats     bool
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
	scripts := map[string]func(name string, options []option, hosts bool) string{
		"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion,
	}
	script := scripts[shell]
	if script == nil {
		return Usagef("no completion script for %q: type --completion bash, zsh or fish", shell)
	}
	return print(script(a.called(), a.options(r), r.takesHost()))
}

// options lists the options that --help describes.
func (a *App) options(r *reader) []option {
	var list []option
	for i := range r.flags {
		f := &r.flags[i]
		placeholder, words := a.described(f.name)
		if words == "" && f.name != "help" {
			continue
		}
		o := option{long: f.name, short: f.letter, help: a.renamed(words), repeats: f.count || f.field.Kind() == reflect.Slice}
		if f.takesValue() {
			o.value, o.values = placeholder, valuesOf(f, placeholder)
		}
		list = append(list, o)
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

// takesHost reports whether an operand names a peer: a host, or the file of a Unix
// socket. Otherwise the operands are completed as files.
func (r *reader) takesHost() bool {
	for _, o := range r.operands {
		if o.name == "dest" || o.name == "endpoint" {
			return true
		}
	}
	return false
}

// names returns the spellings of o, the short one first.
func (o option) names() []string {
	if o.short == "" {
		return []string{"--" + o.long}
	}
	return []string{"-" + o.short, "--" + o.long}
}
