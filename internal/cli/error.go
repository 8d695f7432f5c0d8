package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
)

// An Error is an error with an exit status.
type Error struct {
	// Status is the exit status; 0 is that of the kind of Err.
	Status int
	// Err is the diagnostic: one line, without the command's name.
	Err error
	// Try is a hint: what a user can type instead; empty is that of Err.
	Try string
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }
func (e *Error) Hint() string  { return cmp.Or(e.Try, hintOf(e.Err)) }

// Usagef returns an error of the command line: its status is 2, and its diagnostic
// names --help.
func Usagef(format string, args ...any) error {
	return &Error{Status: Usage, Err: fmt.Errorf(format, args...)}
}

// Failf returns an error with the given status.
func Failf(status int, format string, args ...any) error {
	return &Error{Status: status, Err: fmt.Errorf(format, args...)}
}

// WithStatus returns err with another exit status; nil stays nil.
func WithStatus(status int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Status: status, Err: err}
}

// Hint adds the line `NAME: hint: LINE` to the diagnostic of err; nil stays nil.
func Hint(err error, line string) error {
	if err == nil {
		return nil
	}
	return &Error{Status: StatusOf(err), Err: err, Try: line}
}

// hintOf returns the hint of err, or of the error that it wraps, if that has one.
func hintOf(err error) string {
	if h, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return h.Hint()
	}
	return ""
}

// Interrupted is the error of a command that a signal has ended. Main returns it to the
// shell by dying of that signal, without a diagnostic.
type Interrupted struct{ Signal os.Signal }

func (e *Interrupted) Error() string { return e.Signal.String() }
