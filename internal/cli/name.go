package cli

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// called is the name that the command was called by: the last element of argv[0].
// One that a shell would not take as it is gives way to the command's own.
func (a *App) called() string {
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-"
	if strings.Trim(name, plain) != "" || name == "." || name[0] == '-' {
		return a.Name
	}
	return name
}

// renamed is text with the name that the command was called by in place of its
// own, but for references to manual pages.
func (a *App) renamed(text string) string {
	name := a.called()
	if name == a.Name {
		return text
	}
	text = regexp.MustCompile(`\b`+a.Name+`\b`).ReplaceAllLiteralString(text, name)
	return strings.ReplaceAll(text, ".Xr "+name+" ", ".Xr "+a.Name+" ")
}

// hinted is err with a hint that can be typed as the command was called.
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
