// Package conn is the heart of gcat and gecho: it names the two ends of a
// conversation ([Endpoint]), opens them ([Dialer], [ListenConfig]), moves the
// bytes between them and knows when it is over ([Relay]), and keeps the clocks
// ([Progress]).
//
// A conversation has two sides of the same kind, each a [Stream]: something to
// read, something to write, and a writing half that can be ended on its own.
// A connection is one ([Socket], or TLS above it); the standard streams ([Stdio]), a
// process, a room of peers or a second connection are the other. What a command adds
// to a conversation, it wraps around a Stream; the relay has no branches for it.
//
// An error has the kind of the failure ([Kind]) and the system's own words ([Words]).
package conn

import "io"

// A Stream is one side of a conversation. CloseWrite ends what is written to it
// and leaves its reading half alone, as shutdown(2) with SHUT_WR does.
type Stream interface {
	io.Reader
	io.Writer
	CloseWrite() error
}
