package pack

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// A jsonParser parses a line; i is its position.
type jsonParser struct {
	b []byte
	i int
	s *scratch
	// fields are the values so far.
	fields []field
}

func (p *jsonParser) fail(why string) error {
	if p.i >= len(p.b) {
		return dataf("bad JSON: %s at the end of the line", why)
	}
	return dataf("bad JSON: %s at column %d", why, p.i+1)
}

// next skips blanks and returns the byte that follows, 0 at the end.
func (p *jsonParser) next() byte {
	for p.i < len(p.b) {
		switch c := p.b[p.i]; c {
		case ' ', '\t', '\r', '\n':
			p.i++
		case 0:
			return 1 // a NUL byte: neither the end of the line nor JSON
		default:
			return c
		}
	}
	return 0
}

// take skips c if it comes next.
func (p *jsonParser) take(c byte) bool {
	if p.i < len(p.b) && p.b[p.i] == c {
		p.i++
		return true
	}
	return false
}

// value reads a string, a number, true, false or {"base64":"..."}.
func (p *jsonParser) value() (field, error) {
	switch c := p.next(); {
	case c == '"':
		text, err := p.string()
		return field{text, jsonText}, err
	case c == '{':
		return p.base64()
	case c == '-' || c >= '0' && c <= '9':
		text, ok := p.number()
		if !ok {
			return field{}, p.fail("bad number")
		}
		return field{text, jsonNumber}, nil
	}
	rest := p.b[p.i:]
	for _, word := range [...]string{"true", "false"} {
		if bytes.HasPrefix(rest, []byte(word)) {
			p.i += len(word)
			return field{rest[:len(word)], jsonBool}, nil
		}
	}
	if bytes.HasPrefix(rest, []byte("null")) {
		return field{}, p.fail("null is no value")
	}
	return field{}, p.fail("want a value")
}

// number reads a number as RFC 8259 has it.
func (p *jsonParser) number() ([]byte, bool) {
	start := p.i
	p.take('-')
	if !p.take('0') && p.digits() == 0 {
		return nil, false
	}
	if p.take('.') && p.digits() == 0 {
		return nil, false
	}
	if p.take('e') || p.take('E') {
		if !p.take('+') {
			p.take('-')
		}
		if p.digits() == 0 {
			return nil, false
		}
	}
	if p.i < len(p.b) && digitValue(p.b[p.i]) < 255 {
		return nil, false
	}
	return p.b[start:p.i], true
}

// digits skips digits and returns how many there are.
func (p *jsonParser) digits() int {
	b, n := p.b[p.i:], 0
	for n < len(b) && b[n]-'0' <= 9 {
		n++
	}
	p.i += n
	return n
}

// base64 reads {"base64":"..."}.
func (p *jsonParser) base64() (field, error) {
	p.i++
	p.next()
	name, err := p.string()
	if err == nil && string(name) != "base64" {
		err = p.fail("want {\"base64\":\"...\"}")
	}
	if err != nil {
		return field{}, err
	}
	if p.next(); !p.take(':') {
		return field{}, p.fail("want ':'")
	}
	p.next()
	text, err := p.string()
	if err != nil {
		return field{}, err
	}
	if p.next(); !p.take('}') {
		return field{}, p.fail("want '}'")
	}
	start := len(p.s.text)
	out, err := strictBase64.AppendDecode(p.s.text, text)
	if err != nil {
		return field{}, p.fail("bad base64")
	}
	p.s.text = out
	return field{out[start:], jsonText}, nil
}

// string reads a string; without escapes it is not copied.
func (p *jsonParser) string() ([]byte, error) {
	if !p.take('"') {
		return nil, p.fail("want a string")
	}
	start := p.i
	for p.i < len(p.b) && p.b[p.i] != '"' && p.b[p.i] != '\\' && p.b[p.i] >= ' ' {
		p.i++
	}
	if p.take('"') {
		text := p.b[start : p.i-1]
		if !utf8.Valid(text) {
			return nil, p.fail("string is not UTF-8")
		}
		return text, nil
	}
	at := len(p.s.text)
	p.s.text = append(p.s.text, p.b[start:p.i]...)
	for p.i < len(p.b) {
		c := p.b[p.i]
		switch {
		case c == '"':
			p.i++
			text := p.s.text[at:]
			if !utf8.Valid(text) {
				return nil, p.fail("string is not UTF-8")
			}
			return text, nil
		case c < ' ':
			return nil, p.fail("control character in a string")
		case c == '\\':
			if !p.escape() {
				return nil, p.fail("bad escape")
			}
		default:
			p.s.text = append(p.s.text, c)
			p.i++
		}
	}
	return nil, p.fail("string without its end")
}

// escape reads one escape.
func (p *jsonParser) escape() bool {
	p.i++
	if p.i == len(p.b) {
		return false
	}
	c := p.b[p.i]
	p.i++
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		r, ok := p.hex4()
		if !ok {
			return false
		}
		if utf16.IsSurrogate(r) {
			if !p.take('\\') || !p.take('u') {
				return false
			}
			low, ok := p.hex4()
			if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
				return false
			}
		}
		p.s.text = utf8.AppendRune(p.s.text, r)
		return true
	default:
		return false
	}
	p.s.text = append(p.s.text, c)
	return true
}

// hex4 reads four hex digits.
func (p *jsonParser) hex4() (rune, bool) {
	if p.i+4 > len(p.b) {
		return 0, false
	}
	v, err := strconv.ParseUint(string(p.b[p.i:p.i+4]), 16, 16)
	p.i += 4
	return rune(v), err == nil
}
