package cli

import (
	"fmt"
	"strings"
)

// zshCompletion is a script for zsh's _arguments. It can be sourced, or stand
// as a file _NAME in $fpath.
func zshCompletion(name string, words []option, operands kind) string {
	var specs strings.Builder
	for _, o := range words {
		specs.WriteString("        " + zshOption(o) + " \\\n")
	}
	rest := "_files"
	if operands == host {
		rest = "_alternative 'hosts:host:_hosts' 'files:file:_files'"
	}
	return fmt.Sprintf(`#compdef %[1]s
# zsh completion for %[1]s: source <(%[1]s --completion zsh), after compinit
_%[2]s_operands() { %[4]s }
_%[2]s() {
    _arguments -s -S : \
%[3]s        '*: :_%[2]s_operands'
}
if [ "${funcstack[1]}" = "_%[2]s" ]; then
    _%[2]s "$@"
else
    compdef _%[2]s %[1]s
fi
`, name, identifier(name), specs.String(), rest)
}

// zshOption is the spec of one option: '(-w --timeout)'{-w+,--timeout=}'[help]:D:'.
func zshOption(o option) string {
	help := "[" + zshQuote(o.help) + "]"
	if o.value != "" {
		help += ":" + zshQuote(o.value) + ":" + zshValue(o)
	}
	short, long := "-"+o.short, "--"+o.long
	if o.value != "" {
		short, long = short+"+", long+"="
	}
	exclude := "(" + strings.Join(o.names(), " ") + ")"
	if o.repeats {
		exclude = "*"
	}
	if o.short == "" {
		return fmt.Sprintf("'%s%s%s'", exclude, long, help)
	}
	return fmt.Sprintf("'%s'{%s,%s}'%s'", exclude, short, long, help)
}

// zshValue is the action that completes a value of o.
func zshValue(o option) string {
	switch o.kind {
	case oneOf:
		return "(" + zshQuote(strings.Join(o.choices, " ")) + ")"
	case file:
		return "_files"
	case host:
		return "_hosts"
	case command:
		return "_cmdstring"
	}
	return " "
}

// zshQuote makes s safe within a spec in single quotes.
func zshQuote(s string) string {
	return strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `:`, `\:`, `'`, `'\''`).Replace(s)
}
