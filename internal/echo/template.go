package echo

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"gcat/internal/tlsconn"
)

// A Template is the text of a reply in which {data}, {line}, {remote},
// {local}, {n}, {time} and, of TLS, {sni}, {alpn}, {tls} and {client} are replaced;
// any other brace is literal. The zero Template is an empty reply.
type Template struct{ parts []part }

// A part is a literal text or, if field is not nil, a field.
type part struct {
	text  string
	field field
}

// A field appends its value in m to b.
type field func(b []byte, m *message) []byte

var fields = map[string]field{
	"data":   func(b []byte, m *message) []byte { return append(b, m.data...) },
	"line":   func(b []byte, m *message) []byte { return append(b, withoutEnding(m.data)...) },
	"remote": func(b []byte, m *message) []byte { return append(b, m.remote...) },
	"local":  func(b []byte, m *message) []byte { return append(b, m.local...) },
	"n":      func(b []byte, m *message) []byte { return strconv.AppendInt(b, m.n, 10) },
	"time": func(b []byte, _ *message) []byte {
		return time.Now().UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	},
	"sni":    func(b []byte, m *message) []byte { return append(b, m.tls.ServerName...) },
	"alpn":   func(b []byte, m *message) []byte { return append(b, m.tls.ALPN...) },
	"tls":    func(b []byte, m *message) []byte { return append(b, m.tls.Version...) },
	"client": func(b []byte, m *message) []byte { return append(b, m.tls.Peer...) },
}

// ParseTemplate reads text; there are no malformed templates.
func ParseTemplate(text string) Template {
	var t Template
	for text != "" {
		before, field, after := nextField(text)
		if before != "" {
			t.parts = append(t.parts, part{text: before})
		}
		if field != nil {
			t.parts = append(t.parts, part{field: field})
		}
		text = after
	}
	return t
}

// nextField splits text at its first field; if there is none, before is all of text.
func nextField(text string) (before string, f field, after string) {
	for from := 0; ; {
		open := strings.IndexByte(text[from:], '{')
		if open < 0 {
			return text, nil, ""
		}
		open += from
		shut := strings.IndexByte(text[open:], '}')
		if shut < 0 {
			return text, nil, ""
		}
		if f, ok := fields[text[open+1:open+shut]]; ok {
			return text[:open], f, text[open+shut+1:]
		}
		from = open + 1
	}
}

// A message holds the values for a reply. n counts the replies on this connection, this
// one included, or the datagrams that the socket received.
type message struct {
	data          []byte
	remote, local string
	n             int64
	tls           tlsconn.Facts
}

// append appends the reply to m to b.
func (t Template) append(b []byte, m message) []byte {
	for _, p := range t.parts {
		if p.field != nil {
			b = p.field(b, &m)
		} else {
			b = append(b, p.text...)
		}
	}
	return b
}

// withoutEnding returns line without the LF or CRLF at its end.
func withoutEnding(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'})
}
