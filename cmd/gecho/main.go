// Gecho sends back what it receives, on any number of endpoints, and lets no
// peer hold a place longer than it was given; it misbehaves exactly as asked.
//
// The command line (grammar.go) is checked before anything is opened; the
// endpoints become bound sockets (sockets.go); what is served there may be a script
// or a recording (script.go, replay.go) or a server to hand on to (target.go);
// internal/echo serves it; report.go logs what happens.
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
