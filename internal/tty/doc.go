// Package tty makes a terminal one side of a conversation.
//
// [Open] opens a terminal as a line editor with a history, in which received text
// does not disturb the line that is being typed, or in raw mode, where every key
// passes unchanged. The terminal's own mode is restored at the end, on a signal, in
// a panic, and while ^Z has stopped the process.
//
// A [Safe] writer escapes the control characters of a peer. A [Meter] shows the
// progress of a transfer. [ReadPassword] asks for a password.
package tty

import (
	"os"

	"golang.org/x/term"
)

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool { return f != nil && term.IsTerminal(int(f.Fd())) }

// erases reports whether the process's terminal has escape sequences. One that has none,
// such as a shell within Emacs, sets TERM=dumb.
func erases() bool { return os.Getenv("TERM") != "dumb" }

// window returns the columns and rows of the terminal f; 80 and 24 if they are not known.
func window(f *os.File) (width, height int) {
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}
