package cli

import (
	"reflect"
	"strings"
)

// complete prints the completion script for shell, made from the grammar.
func (a *App) complete(r *reader, shell string) error {
	words := a.completed(r)
	switch shell {
	case "bash":
		return print(bashCompletion(a.called(), words))
	case "zsh":
		return print(zshCompletion(a.called(), words, r.kindOfOperands()))
	case "fish":
		return print(fishCompletion(a.called(), words, r.kindOfOperands()))
	}
	return Usagef("no completion script for %q: type --completion bash, zsh or fish", shell)
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

// completed lists the options that the scripts complete: those that --help
// describes.
func (a *App) completed(r *reader) []option {
	var list []option
	for i := range r.flags {
		f := &r.flags[i]
		placeholder, words, _ := a.described(f.name)
		if words == "" && f.name != "help" {
			continue
		}
		o := option{long: f.name, short: f.letter, help: a.renamed(words), repeats: f.count || f.field.Kind() == reflect.Slice}
		if f.takesValue() {
			o.value, o.choices = placeholder, choices(f, placeholder)
			o.kind = kindOfValue(o.value)
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
func choices(f *flag, placeholder string) []string {
	switch {
	case f.name == "completion":
		return []string{"bash", "zsh", "fish"}
	case f.enum != "":
		return strings.Split(f.enum, ",")
	case strings.Contains(placeholder, "|"):
		return strings.Split(placeholder, "|")
	}
	return nil
}

// kindOfValue guesses from a placeholder what a value is.
func kindOfValue(placeholder string) kind {
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

// kindOfOperands says what a command's operands are: host (which includes the
// files of Unix sockets) if one of them names a peer, else file.
func (r *reader) kindOfOperands() kind {
	for _, o := range r.operands {
		if o.name == "dest" || o.name == "endpoint" {
			return host
		}
	}
	return file
}
