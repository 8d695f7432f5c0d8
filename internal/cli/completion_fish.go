package cli

import (
	"fmt"
	"strings"
)

// fishCompletion is a script of complete(1) commands for fish.
func fishCompletion(name string, words []option, operands kind) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# fish completion for %[1]s: %[1]s --completion fish | source\n", name)
	fmt.Fprintf(&b, "complete -c %s -e\n", name)
	if operands == host {
		fmt.Fprintf(&b, "complete -c %s -a '(__fish_print_hostnames)'\n", name)
	}
	for _, o := range words {
		fmt.Fprintf(&b, "complete -c %s", name)
		if o.short != "" {
			fmt.Fprintf(&b, " -s %s", fishQuote(o.short))
		}
		fmt.Fprintf(&b, " -l %s%s -d %s\n", o.long, fishValue(o), fishQuote(o.help))
	}
	return b.String()
}

// fishValue is how complete(1) is told what values o takes: -r needs one and
// offers files, -x needs one and does not.
func fishValue(o option) string {
	switch o.kind {
	case oneOf:
		return " -x -a " + fishQuote(strings.Join(o.choices, " "))
	case file:
		return " -r -F"
	case host:
		return " -x -a '(__fish_print_hostnames)'"
	case command:
		return " -x -a '(__fish_complete_command)'"
	}
	if o.value != "" {
		return " -x"
	}
	return ""
}

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
