package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Log writes diagnostics, and with -v events and information, as readable lines or
// as JSON objects, one a line. Each line is one write. A Log is safe for concurrent use.
type Log struct {
	// Name is the command's name, in front of every readable line.
	Name string
	// Level selects the lines: 0 is failures only, 1 is -v, 2 is -vv.
	Level int
	// JSON writes objects instead of readable lines.
	JSON bool
	// Clock writes the time of day in front of the readable lines of -v.
	Clock bool
	// Out is written to; nil is nowhere.
	Out io.Writer

	mu sync.Mutex
}

// An Event is an event of the log, for people and for programs.
type Event struct {
	// Name is the object's member "event", such as listening or closed.
	Name string
	// Text is the readable line, without the command's name.
	Text string
	// Fields are the object's other members, in order.
	Fields []Field
}

// A Field is a member of a JSON object. A duration is written as seconds.
type Field struct {
	Key   string
	Value any
}

// Enabled reports whether lines of level are written.
func (l *Log) Enabled(level int) bool { return l != nil && l.Out != nil && level <= l.Level }

// Event writes e, if lines of level are written.
func (l *Log) Event(level int, e Event) {
	switch {
	case !l.Enabled(level):
	case l.JSON:
		l.write(object(e))
	default:
		l.write(l.line(level, e.Text))
	}
}

// Infof writes a line, if lines of level are written. In JSON it is an event named
// "info".
func (l *Log) Infof(level int, format string, args ...any) {
	if l.Enabled(level) {
		l.Event(level, Event{Name: "info", Text: fmt.Sprintf(format, args...)})
	}
}

// Error writes the diagnostic of err, and its hint as a second line.
func (l *Log) Error(err error, fields ...Field) {
	if err == nil || l == nil || l.Out == nil {
		return
	}
	if l.JSON {
		l.write(object(Event{Name: "error", Text: err.Error(), Fields: append([]Field{{"error", kindOf(err)}}, fields...)}))
		return
	}
	text := err.Error()
	if StatusOf(err) == Usage {
		if !strings.HasSuffix(text, "?") {
			text += ";"
		}
		text += " see " + l.Name + " --help"
	}
	l.write(l.line(0, text))
	if hint := hintOf(err); hint != "" {
		l.write(l.line(0, "hint: "+hint))
	}
}

// line returns a readable line. Unprintable characters are escaped as by %q: a newline
// would begin a second line, an escape would control the terminal, and a mark that
// changes the direction of writing would mislead the reader.
func (l *Log) line(level int, text string) []byte {
	var b []byte
	if l.Clock && level > 0 {
		b = time.Now().AppendFormat(b, "15:04:05.000 ")
	}
	return append(b, l.Name+": "+printable(text)+"\n"...)
}

// printable returns text with unprintable characters and bytes that are not UTF-8
// escaped.
func printable(text string) string {
	var b strings.Builder
	for rest := text; rest != ""; {
		r, width := utf8.DecodeRuneInString(rest)
		if !unicode.IsPrint(r) || r == utf8.RuneError && width == 1 {
			b.WriteString(strings.Trim(strconv.Quote(rest[:width]), `"`))
		} else {
			b.WriteString(rest[:width])
		}
		rest = rest[width:]
	}
	return b.String()
}

// object returns e as a line with a JSON object.
func object(e Event) []byte {
	fields := append([]Field{{"event", e.Name}}, e.Fields...)
	if e.Text != "" {
		fields = append(fields, Field{"text", e.Text})
	}
	b := time.Now().UTC().AppendFormat([]byte(`{"time":`), `"2006-01-02T15:04:05.000000Z"`)
	for _, f := range fields {
		b = append(b, ',')
		b = appendValue(b, f.Key)
		b = append(b, ':')
		b = appendValue(b, f.Value)
	}
	return append(b, '}', '\n')
}

// appendValue appends v as JSON, a duration as seconds, and null for a value that JSON
// cannot express.
func appendValue(b []byte, v any) []byte {
	if d, ok := v.(time.Duration); ok {
		return strconv.AppendFloat(b, d.Seconds(), 'f', 6, 64)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, text...)
}

// write writes a line.
func (l *Log) write(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.Out.Write(line)
}
