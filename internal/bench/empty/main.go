// Empty is the smallest program with a command line of kong's: what starting one
// of ours costs is held against what starting this costs.
package main

import (
	"os"

	"github.com/alecthomas/kong"
)

type grammar struct {
	Format string `arg:"" optional:""`
}

func main() {
	var g grammar
	parser, err := kong.New(&g)
	if err != nil {
		os.Exit(1)
	}
	if _, err := parser.Parse(os.Args[1:]); err != nil {
		os.Exit(2)
	}
}
