// Package cli has what the three commands do identically. It reads the command line
// (reader.go, and kong.go for unusual values), prints help, version, manual and
// completion scripts, turns errors into one-line diagnostics and exit statuses, writes
// the log to a standard error that never delays a conversation ([Stderr]), catches
// signals ([Catch]), and parses durations, sizes and escaped texts.
//
// The main function of a command is
//
//	os.Exit(app.Main(&grammar, os.Args[1:], grammar.run))
//
// Nothing else ends the process, except [DieOf].
package cli
