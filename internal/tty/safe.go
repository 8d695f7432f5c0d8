package tty

import (
	"fmt"
	"io"
	"unicode/utf8"
)

// A Safe writer writes to W what a terminal can show without obeying it. Newline,
// tab, carriage return and printable UTF-8 pass unchanged. Other control characters
// become ^X; C1 controls, characters that change the direction of writing, and bytes
// that are not UTF-8 become \xHH. A character may be divided among several writes;
// its bytes are buffered until it is complete, or until [Safe.Flush].
type Safe struct {
	W io.Writer

	begun []byte // an incomplete character
	out   []byte
}

// Write writes p by one write to W, or by none if p only begins a character. If that
// write fails, none of p counts as written.
func (s *Safe) Write(p []byte) (int, error) {
	s.out = s.append(s.out[:0], p)
	if len(s.out) == 0 {
		return len(p), nil
	}
	if _, err := s.W.Write(s.out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes an incomplete character.
func (s *Safe) Flush() error {
	if len(s.begun) == 0 {
		return nil
	}
	_, err := s.W.Write(hex(nil, s.begun))
	s.begun = nil
	return err
}

// append appends the incomplete character and p as they are shown.
func (s *Safe) append(dst, p []byte) []byte {
	if len(s.begun) > 0 {
		p, s.begun = append(s.begun, p...), nil
	}
	for len(p) > 0 {
		if c := p[0]; c >= ' ' && c < 0x7f || c == '\n' || c == '\t' || c == '\r' {
			dst, p = append(dst, c), p[1:]
			continue
		}
		if !utf8.FullRune(p) {
			s.begun = append(s.begun, p...)
			break
		}
		r, width := utf8.DecodeRune(p)
		switch {
		case r < ' ' || r == 0x7f:
			dst = append(dst, '^', byte(r)^0x40)
		case r == utf8.RuneError && width == 1, r >= 0x80 && r <= 0x9f, redirects(r):
			dst = hex(dst, p[:width])
		default:
			dst = append(dst, p[:width]...)
		}
		p = p[width:]
	}
	return dst
}

// redirects reports whether r is an invisible character that changes the direction
// (UAX #9) or the lines of a text.
func redirects(r rune) bool {
	return r == 0x061c || r >= 0x200e && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

func hex(dst, bytes []byte) []byte {
	for _, b := range bytes {
		dst = fmt.Appendf(dst, `\x%02x`, b)
	}
	return dst
}
