package cli

import "github.com/alecthomas/kong"

// completion is the completion script for shell.
func (a *App) completion(model *kong.Application, shell string) (string, error) {
	return "", Usagef("--completion: no script for %q: want bash, zsh or fish", shell)
}
