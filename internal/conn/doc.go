// Package conn is the heart of gcat and gecho: it names the two ends of a
// conversation ([Endpoint]), opens them ([Dialer], [ListenConfig]), moves the
// bytes between them and knows when it is over ([Relay]), and keeps the clocks
// ([Progress]).
//
// A conversation has two sides of the same kind, each a [Stream]: something to
// read, something to write, and a writing half that can be ended on its own.
// The socket is one ([Socket], or a TLS connection above it), the standard
// streams are the other ([Stdio]). What a command adds to a conversation, it
// wraps around a Stream; the relay has no branches for it.
//
// Errors have a kind of failure ([Kind]) and use the system's
// own words ([Words]).
package conn

import "io"

// A Stream is one side of a conversation. CloseWrite ends what is written to it
// and leaves its reading half alone, as shutdown(2) with SHUT_WR does.
type Stream interface {
	io.Reader
	io.Writer
	CloseWrite() error
}
