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

// kinds maps what an error says it is (its method Kind) to the status it ends
// with. The names appear as the field "error" of a JSON log line.
var kinds = map[string]int{
	"local":           Local,
	"data":            Local,
	"refused":         NoConnection,
	"unreachable":     NoConnection,
	"no-such-name":    NoConnection,
	"dns":             NoConnection,
	"in-use":          NoConnection,
	"not-permitted":   NoConnection,
	"not-found":       NoConnection,
	"not-a-socket":    NoConnection,
	"unsupported":     NoConnection,
	"bad-address":     NoConnection,
	"no-descriptor":   NoConnection,
	"proxy":           NoConnection,
	"tls":             NoConnection,
	"no-connection":   NoConnection,
	"kernel-timeout":  NoConnection,
	"refused-by-rule": NoConnection,
	"timeout":         TimedOut,
	"reset":           Broken,
	"cut-short":       Broken,
	"not-delivered":   Broken,
	"broken":          Broken,
}

// kinder is what an error implements to say what kind of failure it is.
type kinder interface {
	error
	Kind() string
}

// StatusOf returns the exit status that err stands for: the status it carries,
// else that of its kind, else [Local].
func StatusOf(err error) int {
	if err == nil {
		return OK
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Status != 0 {
		return e.Status
	}
	if k, ok := errors.AsType[kinder](err); ok {
		if status, ok := kinds[k.Kind()]; ok {
			return status
		}
	}
	return Local
}

// KindOf names err for the field "error" of a JSON log line.
func KindOf(err error) string {
	if k, ok := errors.AsType[kinder](err); ok {
		return k.Kind()
	}
	switch StatusOf(err) {
	case Usage:
		return "usage"
	case NoConnection:
		return "no-connection"
	case TimedOut:
		return "timeout"
	case Broken:
		return "broken"
	}
	return "local"
}
