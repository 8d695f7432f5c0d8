package cli

import "strings"

// synopsis is the first command line that --help names.
func (a *App) synopsis() string {
	first, _, _ := strings.Cut(a.Help, "\n")
	return a.renamed(strings.TrimPrefix(first, "Usage: "))
}

// described is what --help says of the option called name, in a line such as
// "  -w, --timeout D   Limit for silence": the placeholder of its value, and the
// words. found is false if there is no such line.
func (a *App) described(name string) (placeholder, words string, found bool) {
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
		return placeholder, strings.TrimSpace(rest), true
	}
	return "", "", false
}

// placeholder stands for the value of the option called name.
func (a *App) placeholder(name string) string {
	placeholder, _, _ := a.described(name)
	return placeholder
}
