// Gpack turns values into binary records and back, in the format language of
// Python's struct module, on streams of any length.
//
// The command line (grammar.go) is checked before anything is opened
// (refuse.go); then one of the four conversions runs (run.go) from its input
// (input.go) to its output (output.go). All knowledge of formats is in
// internal/pack.
package main

import (
	_ "embed"
	"os"
	"syscall"

	"gcat/internal/cli"
	"gcat/man"
)

//go:embed help.txt
var help string

//go:embed brief.txt
var brief string

var app = cli.App{Name: "gpack", Help: help, Brief: brief, Manual: man.Gpack}

func main() {
	cli.DieSilently(append(cli.Unused, syscall.SIGQUIT)...)
	var g gpack
	os.Exit(app.Main(&g, os.Args[1:], g.run))
}
