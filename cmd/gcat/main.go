// Gcat pipes standard input to a socket and the socket to standard output,
// half-closing on end of file, as a client or as a listener.
//
// The stages of a run, and their files:
//
//	words       grammar.go has the flags of the command line, refuse.go their conflicts
//	endpoint    where.go reads the operands
//	connection  run.go prepares, dial.go connects, listen.go accepts; secure.go adds TLS
//	relay       converse.go adds the filters of the options to both sides; conn.Relay moves the bytes
//	status      report.go logs the end; the relay's error becomes the status in internal/cli
//
// For datagrams, datagram.go replaces dial.go, listen.go and converse.go. The peers of a
// listener take turns with standard input (filter.Input), or are connected to a command,
// to each other (both in converse.go) or to another server (forward.go). -F is in dial.go,
// -z in scan.go, the terminal in console.go, and hints in hint.go.
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

var app = cli.App{Name: "gcat", Help: help, Brief: brief, Manual: man.Gcat, Foreign: foreign}

func main() {
	flags := new(grammar)
	os.Exit(app.Main(flags, os.Args[1:], func(log *cli.Log) error {
		return (&gcat{grammar: flags, log: log}).main()
	}))
}
