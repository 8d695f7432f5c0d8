package cli

import "strings"

// synopsis returns the first command line of --help.
func (a *App) synopsis() string {
	first, _, _ := strings.Cut(a.Help, "\n")
	return a.renamed(strings.TrimPrefix(first, "Usage: "))
}

// described returns what --help has on the option called name, in a line such as
// "  -w, --timeout D   Limit for silence": the placeholder of its value, and the words;
// both are empty if there is no such line.
func (a *App) described(name string) (placeholder, words string) {
	for line := range strings.Lines(a.Help) {
		line = strings.TrimLeft(line, " ")
		if len(line) > 4 && line[0] == '-' && line[2:4] == ", " {
			line = line[4:]
		}
		rest, ok := strings.CutPrefix(line, "--"+name+" ")
		if !ok {
			continue
		}
		if rest[0] != ' ' {
			placeholder, rest, _ = strings.Cut(rest, "  ")
		}
		return placeholder, strings.TrimSpace(rest)
	}
	return "", ""
}

// placeholder returns the placeholder for the value of the option called name.
func (a *App) placeholder(name string) string {
	placeholder, _ := a.described(name)
	return placeholder
}
