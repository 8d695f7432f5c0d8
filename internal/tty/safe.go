package tty

import (
	"io"
	"unicode/utf8"
)

// A Safe writer shows on W what is written to it, with nothing left in it that
// a terminal obeys: newline, tab, carriage return and printable UTF-8 go
// through; other control characters are shown as ^X, and C1 controls, the
// characters that turn the direction of writing, and bytes that are no UTF-8 as
// \xHH. A character may be split over any number of writes; the beginning of
// one waits for its end, or for [Safe.Flush].
type Safe struct {
	W io.Writer

	begun [utf8.UTFMax]byte // a character that is not whole yet
	n     int               // how much of it there is
	out   []byte
}

// Write implements [io.Writer]: one write of W for each, unless nothing can be
// shown yet. When that fails, none of p counts as written.
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

// Flush shows the beginning of a character whose end never came.
func (s *Safe) Flush() error {
	if s.n == 0 {
		return nil
	}
	out := hex(nil, s.begun[:s.n])
	s.n = 0
	_, err := s.W.Write(out)
	return err
}

// append appends what p looks like, after what was begun before.
func (s *Safe) append(dst, p []byte) []byte {
	for s.n > 0 && len(p) > 0 {
		s.begun[s.n] = p[0]
		s.n, p = s.n+1, p[1:]
		if begun := s.begun[:s.n]; utf8.FullRune(begun) {
			// Of bytes that turned out to be no character all but the first
			// are looked at again: they may begin one.
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

// show appends one character, or a byte that is none, as it may be shown.
func show(dst, char []byte) []byte {
	r, width := utf8.DecodeRune(char)
	switch {
	case r == '\n' || r == '\t' || r == '\r':
		return append(dst, byte(r))
	case r < ' ' || r == 0x7f:
		return append(dst, '^', byte(r)^0x40)
	case r == utf8.RuneError && width == 1, r >= 0x80 && r <= 0x9f, turns(r):
		return hex(dst, char)
	}
	return append(dst, char...)
}

// turns reports whether r changes the direction or the lines of a text without
// being seen (UAX #9; the separators of lines and paragraphs).
func turns(r rune) bool {
	switch {
	case r == 0x061c, r >= 0x200e && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return false
}

func hex(dst, bytes []byte) []byte {
	const digits = "0123456789abcdef"
	for _, b := range bytes {
		dst = append(dst, '\\', 'x', digits[b>>4], digits[b&15])
	}
	return dst
}
