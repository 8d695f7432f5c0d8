package cli

import (
	"errors"
	"fmt"
	"os"
)

// An Error is an error that knows the exit status it ends the command with.
type Error struct {
	// Status is the exit status; 0 leaves it to the wrapped error's kind.
	Status int
	// Err says what went wrong, in one line, without the command's name.
	Err error
	// Hint, if not empty, is a line that can be typed to do better.
	Hint string
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Usagef is an error in the command line: status 2, and the diagnostic points
// to --help.
func Usagef(format string, args ...any) error {
	return &Error{Status: Usage, Err: fmt.Errorf(format, args...)}
}

// Failf is an error that ends the command with the given status.
func Failf(status int, format string, args ...any) error {
	return &Error{Status: status, Err: fmt.Errorf(format, args...)}
}

// WithStatus gives err an exit status, whatever it carried before. A nil err
// stays nil.
func WithStatus(status int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Status: status, Err: err, Hint: hintOf(err)}
}

// Hint adds a line `NAME: hint: LINE` to the diagnostic of err.
func Hint(err error, line string) error {
	if err == nil {
		return nil
	}
	return &Error{Status: StatusOf(err), Err: err, Hint: line}
}

// hintOf is the hint that err carries: its own, or that of an error below it
// that has a method Hint.
func hintOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Hint != "" {
		return e.Hint
	}
	if h, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return h.Hint()
	}
	return ""
}

// Interrupted is the error of a command that a signal ended: Main then dies of
// that signal, silently, once everything is cleaned up.
type Interrupted struct{ Signal os.Signal }

func (e *Interrupted) Error() string { return e.Signal.String() }
