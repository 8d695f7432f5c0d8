package cli

import "errors"

// The exit statuses of all three commands. The sentences are those of the
// manual pages' section EXIT STATUS.
const (
	// OK: all that was asked for was done: everything was delivered, both
	// ways, and the conversation ended in order.
	OK = 0
	// Local: it failed on this side: standard input, standard output or a file
	// could not be read or written, or the data was bad.
	Local = 1
	// Usage: the command line made no sense; nothing was attempted.
	Usage = 2
	// NoConnection: no such name, refused, unreachable, proxy or TLS handshake
	// failed, address in use.
	NoConnection = 3
	// TimedOut: a time limit passed.
	TimedOut = 4
	// Broken: the conversation broke: reset, cut short, or bytes we sent were
	// not delivered.
	Broken = 5
)

// statusOfKind returns the exit status for an error whose method Kind returns kind;
// [Local] for an unknown kind. The kinds also appear in the field "error" of the log.
func statusOfKind(kind string) int {
	switch kind {
	case "refused", "unreachable", "no-such-name", "dns", "in-use", "not-permitted", "not-found",
		"not-a-socket", "unsupported", "bad-address", "no-descriptor", "proxy", "tls",
		"no-connection", "kernel-timeout":
		return NoConnection
	case "timeout":
		return TimedOut
	case "reset", "cut-short", "not-delivered":
		return Broken
	}
	return Local // "local", "data"
}

// kindError is an error with a kind.
type kindError interface {
	error
	Kind() string
}

// StatusOf returns the exit status of err: its own, else that of its kind, else [Local].
func StatusOf(err error) int {
	if err == nil {
		return OK
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Status != 0 {
		return e.Status
	}
	if k, ok := errors.AsType[kindError](err); ok {
		return statusOfKind(k.Kind())
	}
	return Local
}

// kindOf returns the kind of err for the field "error" of the log.
func kindOf(err error) string {
	if k, ok := errors.AsType[kindError](err); ok {
		return k.Kind()
	}
	words := [...]string{Local: "local", Usage: "usage", NoConnection: "no-connection", TimedOut: "timeout", Broken: "broken"}
	return words[StatusOf(err)]
}
