// Package conn is shared by gcat and gecho. It names the two sides of a conversation
// ([Endpoint]), opens them ([Dialer], [ListenConfig]), moves the bytes between them and
// decides when the conversation ends ([Relay]), and measures idle time ([Progress]).
//
// Each side is a [Stream], which can be read, written and half-closed. One side is a
// connection ([Socket], or TLS above it); the other is the standard streams ([Stdio]), a
// process, the members of a broker or a second connection. A command adds behavior by
// wrapping a Stream; what the relay needs of a wrapper it finds by optional methods
// (Unwrap, Watch, Buffered, Yield, PeerEnded).
//
// An error has the kind of the failure ([Kind]) and the system's own words ([Words]).
package conn
