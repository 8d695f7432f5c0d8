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
	"gcat/man"
)

//go:embed help.txt
var help string

//go:embed brief.txt
var brief string

var app = cli.App{Name: "gecho", Help: help, Brief: brief, Manual: man.Gecho, Habits: habits}

// habits are options of other servers, and what they are here.
var habits = map[string]string{
	"--port":   "an operand (gecho :PORT)",
	"-p":       "an operand (gecho :PORT)",
	"--host":   "an operand (gecho HOST:PORT)",
	"--bind":   "an operand (gecho HOST:PORT)",
	"-s":       "an operand (gecho HOST:PORT)",
	"--udp":    "an operand (gecho udp://:PORT)",
	"-u":       "an operand (gecho udp://:PORT)",
	"--unix":   "an operand (gecho /PATH)",
	"-U":       "an operand (gecho /PATH)",
	"--ssl":    "--tls",
	"--listen": "the default",
	"-l":       "the default",
}

func main() {
	var g gecho
	os.Exit(app.Main(&g, os.Args[1:], g.run))
}
