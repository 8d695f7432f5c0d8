package tty

import (
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

	begun [utf8.UTFMax]byte // an incomplete character
	n     int               // its bytes so far
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
	if s.n == 0 {
		return nil
	}
	out := hex(nil, s.begun[:s.n])
	s.n = 0
	_, err := s.W.Write(out)
	return err
}

// append appends the incomplete character and p as they are shown.
func (s *Safe) append(dst, p []byte) []byte {
	for s.n > 0 && len(p) > 0 {
		s.begun[s.n] = p[0]
		s.n, p = s.n+1, p[1:]
		if begun := s.begun[:s.n]; utf8.FullRune(begun) {
			// If these bytes are not a character, all but the first are read
			// again: they may begin one.
			_, width := utf8.DecodeRune(begun)
			rest := append([]byte(nil), begun[width:]...)
			dst = show(dst, begun[:width])
			s.n = 0
			p = append(rest, p...)
		}
	}
	for len(p) > 0 {
		if c := p[0]; c >= ' ' && c < 0x7f || c == '\n' || c == '\t' || c == '\r' {
			dst, p = append(dst, c), p[1:]
			continue
		}
		if !utf8.FullRune(p) {
			s.n = copy(s.begun[:], p)
			break
		}
		_, width := utf8.DecodeRune(p)
		dst, p = show(dst, p[:width]), p[width:]
	}
	return dst
}

// show appends a character, or a byte that is not UTF-8, as it is shown.
func show(dst, char []byte) []byte {
	r, width := utf8.DecodeRune(char)
	switch {
	case r == '\n' || r == '\t' || r == '\r':
		return append(dst, byte(r))
	case r < ' ' || r == 0x7f:
		return append(dst, '^', byte(r)^0x40)
	case r == utf8.RuneError && width == 1, r >= 0x80 && r <= 0x9f, redirects(r):
		return hex(dst, char)
	}
	return append(dst, char...)
}

// redirects reports whether r is an invisible character that changes the direction
// (UAX #9) or the lines of a text.
func redirects(r rune) bool {
	return r == 0x061c || r >= 0x200e && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

func hex(dst, bytes []byte) []byte {
	const digits = "0123456789abcdef"
	for _, b := range bytes {
		dst = append(dst, '\\', 'x', digits[b>>4], digits[b&15])
	}
	return dst
}
