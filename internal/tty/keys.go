package tty

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// ErrInterrupt reports that ^C was typed on a terminal that does not turn it into a
// signal.
var ErrInterrupt = errors.New("interrupted")

// x/term's editor drops tabs and other control characters, and stops at bytes that
// are not UTF-8. Those must reach the peer, too: they pass the editor as
// substitutes, control characters as their Unicode pictures, bytes that are not
// UTF-8 as private characters. A typed character that is itself such a substitute
// passes byte by byte.
const (
	pictures = 0x2400   // ␀, followed by those of the other control characters
	rubout   = 0x2421   // ␡
	private  = 0x10fe00 // plus the byte
)

// substitute reports whether r stands for a control character or a byte.
func substitute(r rune) bool { return r >= pictures && r <= rubout || r >= private }

// keys translates the input of a terminal for the editor.
type keys struct {
	literal bool   // ^V was typed: the next key is inserted as it is
	escape  []byte // the incomplete sequence of a function key
	char    []byte // an incomplete character
}

// maxEscape is the length of the longest escape sequence, in bytes; a longer one is
// no sequence.
const maxEscape = 16

// append appends the translation of p to dst.
func (k *keys) append(dst, p []byte) ([]byte, error) {
	for _, c := range p {
		switch {
		case len(k.escape) > 0:
			dst = k.sequence(dst, c)
		case len(k.char) > 0 || c >= utf8.RuneSelf:
			dst = k.character(dst, c)
		case k.literal:
			k.literal = false
			dst = picture(dst, c)
		case c == 22: // ^V
			k.literal = true
		case c == '\t':
			dst = picture(dst, c)
		case c == 0:
			// A ^D that was typed before we changed the mode has ended a line
			// of the terminal's own editing, and is read as NUL (n_tty.c).
			dst = append(dst, 4)
		case c == 3: // ^C
			return dst, ErrInterrupt
		case c == 0x1b:
			k.escape = append(k.escape, c)
		case c == 8: // ^H: some terminals send it for the backspace key
			dst = append(dst, 0x7f)
		default:
			dst = append(dst, c)
		}
	}
	return dst, nil
}

// picture appends the substitute of a control character, or any other c itself.
func picture(dst []byte, c byte) []byte {
	switch {
	case c == 0x7f:
		return utf8.AppendRune(dst, rubout)
	case c < ' ':
		return utf8.AppendRune(dst, pictures+rune(c))
	}
	return append(dst, c)
}

// alias returns the spelling of a function key that the editor knows.
func alias(key string) string {
	switch key {
	case "\x1bOA", "\x1bOB", "\x1bOC", "\x1bOD", "\x1bOH", "\x1bOF":
		return "\x1b[" + key[2:]
	case "\x1b[1~", "\x1b[7~":
		return "\x1b[H"
	case "\x1b[4~", "\x1b[8~":
		return "\x1b[F"
	case "\x1b[1;5C", "\x1bf":
		return "\x1b[1;3C"
	case "\x1b[1;5D", "\x1bb":
		return "\x1b[1;3D"
	case "\x1b[200~", "\x1b[201~":
		return "" // pasted text is typed text
	}
	return key
}

// sequence adds a byte to an escape sequence, and appends the sequence to dst when it
// is complete.
func (k *keys) sequence(dst []byte, c byte) []byte {
	k.escape = append(k.escape, c)
	letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '~'
	if letter && len(k.escape) == 2 && c == 'O' {
		return dst // the arrow keys of some terminals begin so
	}
	if !letter && len(k.escape) < maxEscape {
		return dst
	}
	if letter {
		dst = append(dst, alias(string(k.escape))...)
	}
	k.escape = k.escape[:0]
	return dst
}

// character adds a byte to a character, and appends the character to dst when it is
// complete.
func (k *keys) character(dst []byte, c byte) []byte {
	k.char = append(k.char, c)
	if !utf8.FullRune(k.char) {
		return dst
	}
	char := append([]byte(nil), k.char...)
	k.char = k.char[:0]
	r, width := utf8.DecodeRune(char)
	if r == utf8.RuneError || substitute(r) {
		for _, b := range char[:width] {
			dst = utf8.AppendRune(dst, private+rune(b))
		}
	} else {
		dst = append(dst, char[:width]...)
	}
	if rest := char[width:]; len(rest) > 0 {
		dst, _ = k.append(dst, rest)
	}
	return dst
}

// typed returns the edited line with each substitute replaced by what it stands for.
func typed(line string) string {
	if strings.IndexFunc(line, substitute) < 0 {
		return line
	}
	var b strings.Builder
	for _, r := range line {
		switch {
		case r == rubout:
			b.WriteByte(0x7f)
		case r >= pictures && r < rubout:
			b.WriteByte(byte(r - pictures))
		case r >= private:
			b.WriteByte(byte(r - private))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
