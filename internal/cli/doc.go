// Package cli is what the three commands do identically. It reads a command line
// (reader.go; kong reads the values that are doubtful), prints help, version,
// manual and completions, turns errors into one-line diagnostics and exit statuses,
// writes log lines to a standard error that never holds a conversation up
// ([Stderr]), catches signals ([Catch]), and reads durations, sizes and escaped
// texts.
//
// A command's main is
//
//	os.Exit(app.Main(&grammar, os.Args[1:], grammar.run))
//
// and nothing below internal ends the process itself, except by a signal that
// the user sent (see [DieOf]).
package cli
