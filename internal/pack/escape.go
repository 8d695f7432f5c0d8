package pack

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

const lowerHex = "0123456789abcdef"

// An escaper writes bytes as text of one line: UTF-8 as it is, and \\ \t \n \r
// \xHH for the rest.
type escaper struct {
	special byte // of the separator: escaped too; 0 is none
	blanks  bool // escape blanks too
	shell   bool // within single quotes
}

// clean marks the bytes that are never escaped: printable ASCII other than the
// backslash and the single quote.
var clean = func() (t [256]bool) {
	for c := ' '; c <= '~'; c++ {
		t[c] = c != '\\' && c != '\''
	}
	return t
}()

// append writes text and returns how many bytes it took. Unless end is set, it leaves up
// to three bytes that may be the beginning of a character.
func (e *escaper) append(dst, text []byte, end bool) ([]byte, int) {
	i := 0
	if e.special == 0 && !e.blanks && len(text) <= 16 {
		// Most strings are short and clean.
		for i < len(text) && clean[text[i]] {
			dst = append(dst, text[i])
			i++
		}
	}
	for i < len(text) {
		start := i
		for i < len(text) && clean[text[i]] && text[i] != e.special && (!e.blanks || text[i] != ' ') {
			i++
		}
		dst = append(dst, text[start:i]...)
		if i == len(text) {
			break
		}
		if c := text[i]; c < utf8.RuneSelf {
			dst = e.ascii(dst, c)
			i++
			continue
		}
		if !end && !utf8.FullRune(text[i:]) {
			return dst, i
		}
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 || !unicode.IsPrint(r) ||
			e.special >= utf8.RuneSelf && bytes.IndexByte(text[i:i+n], e.special) >= 0 {
			for _, c := range text[i : i+n] {
				dst = appendHexEscape(dst, c)
			}
		} else {
			dst = append(dst, text[i:i+n]...)
		}
		i += n
	}
	return dst, i
}

// The bytes that are written as a backslash and a letter, and their letters: the first four
// in text, all in JSON.
const escaped, escapeLetters = "\\\t\n\r\"", `\tnr"`

// ascii writes an ASCII byte that is not clean.
func (e *escaper) ascii(dst []byte, c byte) []byte {
	switch {
	case c == '\'' && e.shell:
		return append(dst, `'\''`...)
	case c == '\'' && c != e.special:
		return append(dst, c)
	}
	if letter := strings.IndexByte(escaped[:4], c); letter >= 0 {
		return append(dst, '\\', escapeLetters[letter])
	}
	return appendHexEscape(dst, c)
}

func appendHexEscape(dst []byte, c byte) []byte {
	return append(dst, '\\', 'x', lowerHex[c>>4], lowerHex[c&15])
}

// separatorByte is the byte of a separator that is escaped in fields, so that no field
// contains the separator; 0 if escapes themselves may contain any of its bytes.
func separatorByte(separator string) byte {
	rest := strings.TrimLeft(separator, `0123456789abcdefABCDEFxXnrt\`)
	if rest == "" {
		return 0
	}
	return rest[0]
}

// unescape appends text without its escapes.
func unescape(dst, text []byte) ([]byte, error) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c != '\\' {
			dst = append(dst, c)
			continue
		}
		if i++; i == len(text) {
			return dst, dataf(`escape without a character in %s`, shown(text))
		}
		switch letter := strings.IndexByte(escapeLetters[:4], text[i]); {
		case letter >= 0:
			dst = append(dst, escaped[letter])
		case text[i] == 'x':
			n := len(dst)
			dst, _ = hex.AppendDecode(dst, text[i+1:min(i+3, len(text))])
			if len(dst) == n {
				return dst, dataf(`escape \x without two hex digits in %s`, shown(text))
			}
			i += 2
		default:
			return dst, dataf(`unknown escape %s in %s`, quote(string(text[i-1:i+1])), shown(text))
		}
	}
	return dst, nil
}

// appendJSONBytes writes a string: as a JSON string if it is UTF-8, else as an
// object with its base64.
func appendJSONBytes(dst, b []byte) []byte {
	q := quotesOf(b)
	dst = append(dst, q[0]...)
	for n := 0; len(b) > 0; b = b[n:] {
		dst, n = q.piece(dst, b)
	}
	return append(dst, q[1]...)
}

// jsonQuotes are what stands in front of a string and behind it in JSON.
type jsonQuotes [2]string

var base64Quotes = jsonQuotes{`{"base64":"`, `"}`}

func quotesOf(b []byte) jsonQuotes {
	if utf8.Valid(b) {
		return jsonQuotes{`"`, `"`}
	}
	return base64Quotes
}

// piece writes the next piece of b between q, and returns how many bytes it took. A
// string is written in pieces since its text may be six times as long.
func (q jsonQuotes) piece(dst, b []byte) ([]byte, int) {
	n := min(len(b), textPiece)
	if q == base64Quotes {
		return base64.StdEncoding.AppendEncode(dst, b[:n]), n
	}
	for n < len(b) && !utf8.RuneStart(b[n]) {
		n--
	}
	return appendJSONText(dst, b[:n]), n
}

// textPiece is how many bytes are made into text at a time: a multiple of three, for
// base64.
const textPiece = 48 << 10

// appendJSONText writes UTF-8 as the inside of a JSON string, on one line and safe to
// show.
func appendJSONText(dst, b []byte) []byte {
	for i := 0; i < len(b); {
		c := b[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(b[i:])
			if r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == utf8.RuneError && n == 1 {
				dst = append(dst, '\\', 'u', lowerHex[r>>12&15], lowerHex[r>>8&15], lowerHex[r>>4&15], lowerHex[r&15])
			} else {
				dst = append(dst, b[i:i+n]...)
			}
			i += n
			continue
		}
		i++
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
			dst = append(dst, c)
		} else if letter := strings.IndexByte(escaped, c); letter >= 0 {
			dst = append(dst, '\\', escapeLetters[letter])
		} else {
			dst = append(dst, '\\', 'u', '0', '0', lowerHex[c>>4], lowerHex[c&15])
		}
	}
	return dst
}
