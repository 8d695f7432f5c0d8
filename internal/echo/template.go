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

// A part is a literal text or, if field is not 0, a field.
type part struct {
	text  string
	field field
}

type field byte

const (
	literal   field = iota
	dataField       // the data received
	lineField       // the same without its line ending
	remoteField
	localField
	countField // replies on this connection, this one included; datagrams the socket received
	timeField  // RFC 3339 in UTC, with microseconds
	sniField   // the server name that the client asked for
	alpnField
	tlsField    // the version
	clientField // the subject of the client's certificate
)

var fieldNames = map[string]field{
	"data": dataField, "line": lineField, "remote": remoteField,
	"local": localField, "n": countField, "time": timeField,
	"sni": sniField, "alpn": alpnField, "tls": tlsField, "client": clientField,
}

// ParseTemplate reads text; there are no malformed templates.
func ParseTemplate(text string) Template {
	var t Template
	for text != "" {
		before, field, after := nextField(text)
		if before != "" {
			t.parts = append(t.parts, part{text: before})
		}
		if field != literal {
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
			return text, literal, ""
		}
		open += from
		shut := strings.IndexByte(text[open:], '}')
		if shut < 0 {
			return text, literal, ""
		}
		if f, ok := fieldNames[text[open+1:open+shut]]; ok {
			return text[:open], f, text[open+shut+1:]
		}
		from = open + 1
	}
}

// A message holds the values for a reply.
type message struct {
	data          []byte
	remote, local string
	n             int64
	tls           tlsconn.Facts
}

// append appends the reply to m to b.
func (t Template) append(b []byte, m message) []byte {
	for _, p := range t.parts {
		switch p.field {
		case literal:
			b = append(b, p.text...)
		case dataField:
			b = append(b, m.data...)
		case lineField:
			b = append(b, withoutEnding(m.data)...)
		case remoteField:
			b = append(b, m.remote...)
		case localField:
			b = append(b, m.local...)
		case countField:
			b = strconv.AppendInt(b, m.n, 10)
		case sniField:
			b = append(b, m.tls.ServerName...)
		case alpnField:
			b = append(b, m.tls.ALPN...)
		case tlsField:
			b = append(b, m.tls.Version...)
		case clientField:
			b = append(b, m.tls.Peer...)
		case timeField:
			b = time.Now().UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
		}
	}
	return b
}

// withoutEnding returns line without the LF or CRLF at its end.
func withoutEnding(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'})
}
