package cli

import (
	"errors"
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
	if strings.Trim(name, plain) != "" || name == "." || name[0] == '-' {
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
	hint := hintOf(err)
	if hint == "" || a.called() == a.Name {
		return err
	}
	if _, ok := errors.AsType[*Interrupted](err); ok {
		return err
	}
	return Hint(err, a.renamed(hint))
}
