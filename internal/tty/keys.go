package tty

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// errInterrupt says that ^C was typed where the terminal did not turn it into a
// signal itself.
var errInterrupt = errors.New("interrupted")

// The editor of x/term drops tabs and other control characters, and stops at
// bytes that are no UTF-8. None of that may be lost on the way to a peer, so
// they go through it in disguise: control characters as the pictures that
// Unicode has of them, what looks like these pictures and what is no UTF-8 as
// private characters.
const (
	pictures  = 0x2400   // ␀ and its 32 followers
	rubout    = 0x2421   // ␡
	disguised = 0x100000 // plus the picture that was typed
	bytewise  = 0x10fe00 // plus the byte
	private   = 0x100000 // from here on every character is taken byte by byte
)

// keys turns what a terminal sends into what the editor understands.
type keys struct {
	literal bool   // ^V was typed: the next key stands for itself
	escape  []byte // the sequence of a function key, so far
	char    []byte // a character of several bytes, so far
}

// An escape sequence that grows longer than this is none.
const maxEscape = 16

// append appends to dst what the editor gets for the keys in p.
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
			// What a ^D becomes that was typed before the terminal was ours:
			// it has ended a line of the terminal's own editing, n_tty.c.
			dst = append(dst, 4)
		case c == 3: // ^C
			return dst, errInterrupt
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

// picture appends the disguise of a control character, other ones as they are.
func picture(dst []byte, c byte) []byte {
	switch {
	case c == 0x7f:
		return utf8.AppendRune(dst, rubout)
	case c < ' ':
		return utf8.AppendRune(dst, pictures+rune(c))
	}
	return append(dst, c)
}

// alias is the spelling of a function key that the editor knows.
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

// sequence takes the next byte of a function key's escape sequence.
func (k *keys) sequence(dst []byte, c byte) []byte {
	k.escape = append(k.escape, c)
	letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '~'
	if letter && len(k.escape) == 2 && c == 'O' {
		return dst // as some terminals begin the arrow keys
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

// character takes the next byte of a character of several.
func (k *keys) character(dst []byte, c byte) []byte {
	k.char = append(k.char, c)
	if !utf8.FullRune(k.char) {
		return dst
	}
	char := append([]byte(nil), k.char...)
	k.char = k.char[:0]
	r, width := utf8.DecodeRune(char)
	switch {
	case r >= pictures && r <= rubout:
		dst = utf8.AppendRune(dst, disguised+r)
	case r == utf8.RuneError || r >= private:
		if r == utf8.RuneError {
			width = min(width, len(char))
		}
		for _, b := range char[:width] {
			dst = utf8.AppendRune(dst, bytewise+rune(b))
		}
	default:
		dst = append(dst, char[:width]...)
	}
	if rest := char[width:]; len(rest) > 0 {
		dst, _ = k.append(dst, rest)
	}
	return dst
}

// typed is what the user meant by an edited line: the disguises come off.
func typed(line string) string {
	if strings.IndexFunc(line, func(r rune) bool { return r >= pictures && r <= rubout || r >= private }) < 0 {
		return line
	}
	var b strings.Builder
	for _, r := range line {
		switch {
		case r >= pictures && r < pictures+' ':
			b.WriteByte(byte(r - pictures))
		case r == rubout:
			b.WriteByte(0x7f)
		case r >= disguised+pictures && r <= disguised+rubout:
			b.WriteRune(r - disguised)
		case r >= bytewise:
			b.WriteByte(byte(r - bytewise))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
