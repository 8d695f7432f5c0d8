// The number of processors is not worth a goroutine that looks whether it has
// changed, nor the descriptors of the control group's files that it looks at.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// Gcat pipes standard input to a socket and the socket to standard output,
// half-closing on end of file, as a client or as a listener.
//
// The way of the bytes: the command line becomes an endpoint (args.go); it is
// dialled (client.go) or accepted from (listen.go); a relay moves the bytes
// (converse.go); how it ended becomes a diagnostic and a status (report.go).
package main

import (
	_ "embed"
	"os"

	"gcat/internal/cli"
)

//go:embed help.txt
var help string

var app = cli.App{
	Name:    "gcat",
	Help:    help,
	Summary: "Pipe standard input to a socket and the socket to standard output.",
	Synopsis: []string{
		"gcat [options] DEST [PORT]",
		"gcat -l [options] [ADDR] PORT",
		"gcat -z [options] HOST PORT[-PORT]...",
	},
	Groups: []cli.Group{
		{Key: "connect", Title: "Connection"},
		{Key: "time", Title: "Time limits (D: 5, 1.5, 500ms, 2m, 1h; 0 is none)"},
		{Key: "end", Title: "Direction and end"},
		{Key: "listen", Title: "Listening"},
		{Key: "bytes", Title: "What passes, and datagrams"},
		{Key: "socket", Title: "Socket options"},
		{Key: "tls", Title: "TLS and proxies"},
		{Key: "other", Title: "Other"},
	},
	Examples: [][2]string{
		{"echo PING | gcat -C localhost 6379", "ask, half-close, print the answer"},
		{"gcat -l 9000 >file & gcat localhost 9000 <file2", "send a file"},
	},
}

func main() {
	g := gcat{tally: new(tally), console: new(console)}
	os.Exit(app.Main(&g, os.Args[1:], g.run))
}
