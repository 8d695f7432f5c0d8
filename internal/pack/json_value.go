package pack

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// A jsonParser parses a line that is known to be JSON; i is its position.
type jsonParser struct {
	b       []byte
	i       int
	fields  []field // the values so far
	members []int   // where the members of objects are; 0 is not known
	places  []place // the integers that JSON does not show, by slot
	digits  []byte  // of those integers
}

func (p *jsonParser) fail(why string) error {
	return dataf("bad JSON: %s at column %d", why, p.i+1)
}

// syntaxError is the error of a line that is no JSON.
func syntaxError(line []byte) error {
	rest := bytes.TrimLeft(line, " \t\r\n")
	if len(rest) == 0 || rest[0] != '[' && rest[0] != '{' {
		return dataf("bad JSON: want an array or an object at column %d", len(line)-len(rest)+1)
	}
	err := json.Unmarshal(line, new(json.RawMessage))
	e, ok := errors.AsType[*json.SyntaxError](err)
	if !ok || e.Error() == "unexpected end of JSON input" {
		return dataf("bad JSON: the line ends too early")
	}
	at := line[max(e.Offset-1, 0):]
	_, size := utf8.DecodeRune(at)
	return dataf("bad JSON: unexpected %q at column %d", at[:size], e.Offset)
}

// next goes to the byte that follows and returns it. It skips blanks, and commas and
// colons too: where they stand says nothing more.
func (p *jsonParser) next() byte {
	for {
		switch c := p.b[p.i]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			p.i++
		default:
			return c
		}
	}
}

// value reads a string, a number, true, false or {"base64":"..."}.
func (p *jsonParser) value() (field, error) {
	kind := jsonNumber
	switch p.next() {
	case '"':
		text, err := p.string()
		return field{text, jsonText}, err
	case '{':
		return p.base64()
	case '[':
		return field{}, p.fail("want a value")
	case 'n':
		return field{}, p.fail("null is no value")
	case 't', 'f':
		kind = jsonBool
	}
	start := p.i
	for c := p.b[p.i]; c > ' ' && c != ',' && c != ']' && c != '}'; c = p.b[p.i] {
		p.i++
	}
	return field{p.b[start:p.i], kind}, nil
}

// base64 reads {"base64":"..."}.
func (p *jsonParser) base64() (field, error) {
	const want = "want {\"base64\":\"...\"}"
	var words [2][]byte
	var err error
	p.i++
	for i := range words {
		if p.next() != '"' {
			return field{}, p.fail(want)
		}
		if words[i], err = p.string(); err != nil {
			return field{}, err
		}
	}
	if string(words[0]) != "base64" || p.next() != '}' {
		return field{}, p.fail(want)
	}
	p.i++
	text, err := strictBase64.AppendDecode(nil, words[1])
	if err != nil {
		return field{}, p.fail("bad base64")
	}
	return field{text, jsonText}, nil
}

// string reads a string; without escapes it is not copied.
func (p *jsonParser) string() ([]byte, error) {
	start := p.i
	escapes, marks := p.skipString()
	text := p.b[start+1 : p.i-1]
	if !utf8.Valid(text) {
		p.i = start
		return nil, p.fail("string is not UTF-8")
	}
	if escapes == 0 {
		return text, nil
	}
	var s string
	err := json.Unmarshal(p.b[start:p.i], &s)
	// The library replaces half a surrogate pair.
	if err != nil || strings.Count(s, "\ufffd") != marks+bytes.Count(text, []byte("\ufffd")) {
		p.i = start
		return nil, p.fail("half a surrogate pair in the string")
	}
	return []byte(s), nil
}

// skipString goes behind a string, and returns how many escapes are in it, and how many
// of them mean U+FFFD.
func (p *jsonParser) skipString() (escapes, marks int) {
	for p.i++; p.b[p.i] != '"'; p.i++ {
		if p.b[p.i] != '\\' {
			continue
		}
		p.i++
		escapes++
		if p.b[p.i] == 'u' && bytes.EqualFold(p.b[p.i+1:p.i+5], []byte("fffd")) {
			marks++
		}
	}
	p.i++
	return escapes, marks
}

// skip goes behind a value.
func (p *jsonParser) skip() {
	for depth := 0; ; {
		switch p.b[p.i] {
		case '"':
			p.skipString()
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		if depth < 0 || depth == 0 && p.b[p.i] == ',' {
			return
		}
		p.i++
	}
}
