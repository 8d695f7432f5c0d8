// Package cli is what the three commands must do identically: it parses a
// command line with kong, prints help, version and completions, turns errors
// into one-line diagnostics and exit statuses, writes log lines, and reads
// durations, sizes and escaped texts. It catches signals (see [Catch]), too.
//
// A command's main is
//
//	os.Exit(app.Main(&grammar, os.Args[1:], grammar.run))
//
// and nothing below internal ends the process itself, except by a signal that
// the user sent (see [DieOf]).
package cli
