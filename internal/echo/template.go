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
// any other brace is literal.
type Template string

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
	for text := string(t); ; {
		before, rest, open := strings.Cut(text, "{")
		b = append(b, before...)
		if !open {
			return b
		}
		name, after, closed := strings.Cut(rest, "}")
		if field, ok := fields[name]; ok && closed {
			b, text = field(b, &m), after
		} else {
			b, text = append(b, '{'), rest
		}
	}
}

// withoutEnding returns line without the LF or CRLF at its end.
func withoutEnding(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'})
}
