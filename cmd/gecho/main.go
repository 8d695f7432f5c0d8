// Gecho sends back what it receives, on any number of endpoints, and lets no
// peer hold a place longer than it was given; it misbehaves exactly as asked.
//
// The command line (grammar.go) is checked before anything is opened; the
// endpoints become bound sockets (sockets.go); internal/echo serves them; what
// happens is told in log lines (report.go).
package main

import (
	_ "embed"
	"os"

	"gcat/internal/cli"
)

//go:embed help.txt
var help string

//go:embed brief.txt
var brief string

var app = cli.App{Name: "gecho", Help: help, Brief: brief}

func main() {
	var g gecho
	os.Exit(app.Main(&g, os.Args[1:], g.run))
}
