package cli

import (
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Duration is a duration of the command line: seconds ("5", "1.5"), or a number with
// a unit ("500ms", "2m", "1h"). It may be negative.
type Duration time.Duration

// D returns d as a [time.Duration].
func (d Duration) D() time.Duration { return time.Duration(d) }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// ParseDuration parses a [Duration].
func ParseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("bad duration %q: want seconds (5, 1.5) or a unit (500ms, 2m, 1h)", s)
	if strings.Trim(s, "-.0123456789") == "" {
		s += "s"
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil, s[0] == '+':
		return 0, bad
	case d != 0 || !strings.ContainsAny(s, "123456789"):
		return min(max(d, -longest), longest), nil
	case s[0] == '-': // a duration below a nanosecond must not become 0
		return -1, nil
	}
	return 1, nil
}

// longest is the longest duration, 73 years: the sum of a few, and of the time of day,
// does not overflow.
const longest = time.Duration(math.MaxInt64 / 4)

// A Size is a number of bytes, or of bytes a second, of the command line: "4096", "64K",
// "8M", "1G", in powers of 1024.
type Size int64

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Size) UnmarshalText(text []byte) error {
	v, err := ParseSize(string(text))
	*s = Size(v)
	return err
}

// ParseSize parses a [Size].
func ParseSize(s string) (int64, error) {
	bad := fmt.Errorf("bad size %q: want bytes (4096) or powers of 1024 (64K, 8M, 1G)", s)
	number, shift := s, 0
	if s != "" {
		if i := strings.IndexByte("KMGT", s[len(s)-1]&^0x20); i >= 0 {
			number, shift = s[:len(s)-1], 10*(i+1)
		}
	}
	if number == "" || number[0] == '+' || number[0] == '-' {
		return 0, bad
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > math.MaxInt64>>shift {
		return 0, bad
	}
	return n << shift, nil
}

// A Mode is the mode of a file, in octal; 0 is not given.
type Mode fs.FileMode

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *Mode) UnmarshalText(text []byte) error {
	v, err := strconv.ParseUint(string(text), 8, 32)
	if err != nil || v > 0o777 || v == 0 {
		return fmt.Errorf("bad mode %q: want an octal number up to 0777", text)
	}
	*m = Mode(v)
	return nil
}

// A Text is a text to be sent, whose escapes \n \r \t \\ and \xHH are replaced.
type Text string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (t *Text) UnmarshalText(text []byte) error {
	v, err := Unescape(string(text))
	*t = Text(v)
	return err
}

// Unescape replaces the escapes of a [Text]. For any other backslash it returns an
// error with its position.
func Unescape(s string) (string, error) {
	var b strings.Builder
	for rest := s; rest != ""; {
		before, escape, found := strings.Cut(rest, `\`)
		b.WriteString(before)
		if !found {
			break
		}
		at := len(s) - len(escape) - 1
		c, _, after, err := strconv.UnquoteChar(s[at:], 0)
		if err != nil || strings.IndexByte(`nrtx\`, escape[0]) < 0 { // Go has more escapes
			return "", fmt.Errorf(`bad escape at position %d of %q: want \n, \r, \t, \\ or \xHH`, at, s)
		}
		b.WriteByte(byte(c))
		rest = after
	}
	return b.String(), nil
}
