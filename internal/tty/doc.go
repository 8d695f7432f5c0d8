// Package tty is what the commands do when a person is at one end.
//
// [Open] takes a terminal and makes it the local side of a conversation: a line
// editor with a history, in which what arrives never scrambles what is being
// typed, or, raw, a pass-through of every key. Either way the terminal gets its
// own mode back on every way out: at the end, on a signal, in a panic, and for
// as long as ^Z has stopped the process.
//
// A [Safe] writer keeps a peer's bytes from being commands to the terminal. A
// [Meter] says how far a transfer is and leaves no trace.
package tty

import (
	"os"

	"golang.org/x/term"
)

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool { return f != nil && term.IsTerminal(int(f.Fd())) }

// columns is the number of columns of the terminal f, 80 if it does not say.
func columns(f *os.File) int {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}
