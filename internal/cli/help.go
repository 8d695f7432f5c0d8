package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// called returns the name by which the command was called: the last element of argv[0],
// or the command's own name if that would need quoting in a shell.
func (a *App) called() string {
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-"
	if strings.Trim(name, plain) != "" || name == "" || name == "." || name[0] == '-' {
		return a.Name
	}
	return name
}

// renamed returns text with the command's own name replaced by the name by which it was
// called, except in references to manual pages.
func (a *App) renamed(text string) string {
	name := a.called()
	if name == a.Name {
		return text
	}
	text = regexp.MustCompile(`\b`+a.Name+`\b`).ReplaceAllLiteralString(text, name)
	return strings.ReplaceAll(text, ".Xr "+name+" ", ".Xr "+a.Name+" ")
}

// hinted returns err with the name by which the command was called in its hint.
func (a *App) hinted(err error) error {
	if hint := hintOf(err); hint != "" {
		return Hint(err, a.renamed(hint))
	}
	return err
}

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
