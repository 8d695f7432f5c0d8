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
)

//go:embed help.txt
var help string

var app = cli.App{
	Name: "gpack",
	Help: help,
	Summary: "Turn values into binary records and back, frame and deframe. FORMAT is that of\n" +
		"Python's struct, in network order unless it begins with @ = < or >.",
	Synopsis: []string{
		"gpack [options] FORMAT [VALUE...]",
		"gpack -d [options] FORMAT [FILE...]",
		"gpack -f [options] FORMAT [VALUE...]",
		"gpack -df [options] FORMAT [FILE...]",
		"gpack -z FORMAT",
		"gpack --explain FORMAT",
	},
	Groups: []cli.Group{
		{Key: "what", Title: "What to do"},
		{Key: "which", Title: "Which bytes and records"},
		{Key: "text", Title: "Text"},
		{Key: "values", Title: "Values"},
		{Key: "frames", Title: "Frames"},
		{Key: "other", Title: "Other"},
	},
	Examples: [][2]string{
		{"gpack '!HI' 80 20 | gpack -d '!HI'", "two integers to six bytes and back"},
		{"printf hello | gpack -f '!I' | gpack -df '!I'", "a frame with its length in front"},
	},
}

func main() {
	cli.DieSilently(syscall.SIGQUIT)
	var g gpack
	os.Exit(app.Main(&g, os.Args[1:], g.run))
}
