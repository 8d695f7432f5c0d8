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

var app = cli.App{
	Name:     "gecho",
	Help:     help,
	Summary:  "Send back what comes, over TCP, UDP, Unix sockets, TLS and vsock.\nENDPOINT is HOST:PORT, PORT, a path or SCHEME://...; tcp://127.0.0.1:7007 unless given.",
	Synopsis: []string{"gecho [options] [ENDPOINT...]"},
	Groups: []cli.Group{
		{Key: "time", Title: "Time limits (seconds, or 500ms, 2m, 1h; 0 is none)"},
		{Key: "say", Title: "What it says (TEXT understands \\n \\r \\t \\\\ \\xHH)"},
		{Key: "life", Title: "How long it lives, and where"},
		{Key: "fault", Title: "Misbehaving on purpose"},
		{Key: "security", Title: "Security"},
		{Key: "other", Title: "Other"},
	},
	Examples: [][2]string{
		{"gecho -w 5 --suffix '\\nI get it!\\n'", "echo with a suffix; close whoever is silent for 5 s"},
		{"gecho --fail-first 2 --fail reset :8080", "test a client's retries"},
	},
}

func main() {
	var g gecho
	os.Exit(app.Main(&g, os.Args[1:], g.run))
}
