package pack

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A DataError is the error of a value, line or record that could not be converted.
type DataError struct {
	// Line counts input lines from 1; 0 means that the values were no lines.
	Line int64
	// Value counts the values of the line, or of all operands, from 1; 0 means
	// the line as a whole.
	Value int64
	// Why is Python's wording where Python has one.
	Why string
	// More is set when the input has more than the one record of Options.Exact.
	More bool
}

func (e *DataError) Error() string {
	text := e.Why
	if e.Value > 0 {
		text = fmt.Sprintf("value %d: %s", e.Value, text)
	}
	if e.Line > 0 {
		text = fmt.Sprintf("line %d: %s", e.Line, text)
	}
	return text
}

// A WriteError is a failure of the output, as the system reported it.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return e.Err.Error() }
func (e *WriteError) Unwrap() error { return e.Err }

// asWriteError wraps a failed write.
func asWriteError(err error) error {
	if err == nil {
		return nil
	}
	return &WriteError{err}
}

// dataf returns a DataError without line and value; callers that know them add them.
func dataf(format string, args ...any) *DataError {
	return &DataError{Why: fmt.Sprintf(format, args...)}
}

// moref is dataf for more than the one record that Options.Exact wants.
func moref(format string, args ...any) *DataError {
	e := dataf(format, args...)
	e.More = true
	return e
}

// atValue sets the number of err's value, unless it is set.
func atValue(err error, value int64) error {
	if e, ok := errors.AsType[*DataError](err); ok && e.Value == 0 {
		e.Value = value
	}
	return err
}

// atLine sets the number of err's line, unless it is set.
func atLine(err error, line int64) error {
	if e, ok := errors.AsType[*DataError](err); ok && e.Line == 0 {
		e.Line = line
	}
	return err
}

// quote shows a user's word in single quotes on one line, as Python's repr does.
func quote(s string) string {
	q := strconv.Quote(s)
	q = strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
	return "'" + strings.ReplaceAll(q, "'", `\'`) + "'"
}

// shown is a value for a diagnostic: quoted, and cut when it is long.
func shown(text []byte) string {
	const limit = 64
	if len(text) > limit {
		cut := limit
		for cut > limit-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
			cut--
		}
		return strconv.Quote(string(text[:cut])) + "..."
	}
	return strconv.Quote(string(text))
}

// shownNumber is a number for a diagnostic, as it was typed.
func shownNumber(text []byte) string {
	const limit = 64
	text = trimSpace(text)
	if len(text) > limit {
		return string(text[:limit]) + "..."
	}
	return string(text)
}
