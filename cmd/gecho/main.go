// Gecho sends back what it receives, on any number of endpoints. Time limits
// apply to every connection, and options inject faults.
//
// The command line (grammar.go) is checked before anything is opened (refuse.go).
// The endpoints become bound sockets (sockets.go). In place of the echo their
// connections can follow a script or a dump (script.go, replay.go) or be forwarded to
// a server (target.go). internal/echo serves them; report.go logs the events.
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

var app = cli.App{Name: "gecho", Help: help, Brief: brief, Manual: man.Gecho, Foreign: foreign}

// foreign maps options of other servers to ours.
var foreign = map[string]string{
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
	cli.DieSilently(cli.Unused...)
	flags := new(grammar)
	os.Exit(app.Main(flags, os.Args[1:], func(log *cli.Log) error {
		return (&gecho{grammar: flags, log: log}).run()
	}))
}
