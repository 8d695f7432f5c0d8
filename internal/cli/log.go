package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Log writes what a command has to say: diagnostics always, events and
// information with -v, as readable lines or (JSON) one object a line. Each line
// is one write. It is safe for concurrent use.
type Log struct {
	// Name is the command's, in front of every readable line.
	Name string
	// Level is how much is said: 0 failures only, 1 with -v, 2 with -vv.
	Level int
	// JSON writes objects instead of lines.
	JSON bool
	// Clock puts the time of day in front of readable lines below level 0, for
	// a person who watches them.
	Clock bool
	// Out is where the lines go; nil is nowhere.
	Out io.Writer

	mu   sync.Mutex
	late *behind // where Out leads, if it leaves lines out
}

// An Event is something that happened, for people and for programs.
type Event struct {
	// Name is the event: listening, connected, accepted, refused-by-rule,
	// closed or error.
	Name string
	// Text is the readable line, without the command's name.
	Text string
	// Fields are the object's other members, in order.
	Fields []Field
}

// A Field is one member of a JSON log line. Durations are written as seconds.
type Field struct {
	Key   string
	Value any
}

// Enabled reports whether lines of that level are written.
func (l *Log) Enabled(level int) bool { return l != nil && l.Out != nil && level <= l.Level }

// Event writes e if level is at most the log's.
func (l *Log) Event(level int, e Event) {
	if !l.Enabled(level) {
		return
	}
	if l.JSON {
		l.write(object(e))
		return
	}
	l.write(l.line(level, e.Text))
}

// Infof writes a readable line if level is at most the log's; in JSON it is an
// event named "info".
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

// Hint writes a line `NAME: hint: LINE` that says what can be typed to do better;
// in JSON it is an event named "info".
func (l *Log) Hint(line string) {
	if l.Enabled(0) {
		l.Event(0, Event{Name: "info", Text: "hint: " + line})
	}
}

// line is one readable line. A newline within it would begin a second one, an
// escape would command the terminal, a mark that turns the direction of writing
// would mislead the reader: what is not printable is shown as %q shows it.
func (l *Log) line(level int, text string) []byte {
	var b strings.Builder
	b.Grow(len(l.Name) + len(text) + 20)
	if l.Clock && level > 0 {
		b.WriteString(time.Now().Format("15:04:05.000 "))
	}
	b.WriteString(l.Name)
	b.WriteString(": ")
	b.WriteString(printable(text))
	b.WriteByte('\n')
	return []byte(b.String())
}

// printable is text with all that cannot be seen, and what is not UTF-8, spelled
// out.
func printable(text string) string {
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if utf8.ValidString(text) && strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var b strings.Builder
	for rest := text; rest != ""; {
		r, width := utf8.DecodeRuneInString(rest)
		if hidden(r) || r == utf8.RuneError && width == 1 {
			b.WriteString(strings.Trim(strconv.Quote(rest[:width]), `"`))
		} else {
			b.WriteString(rest[:width])
		}
		rest = rest[width:]
	}
	return b.String()
}

// object is e as one JSON object on a line of its own.
func object(e Event) []byte {
	b := []byte(`{"time":`)
	b = time.Now().UTC().AppendFormat(b, `"2006-01-02T15:04:05.000000Z"`)
	b = append(b, `,"event":`...)
	b = appendValue(b, e.Name)
	for _, f := range e.Fields {
		b = append(b, ',')
		b = appendValue(b, f.Key)
		b = append(b, ':')
		b = appendValue(b, f.Value)
	}
	if e.Text != "" {
		b = append(b, `,"text":`...)
		b = appendValue(b, e.Text)
	}
	return append(b, '}', '\n')
}

// appendValue appends v as JSON: durations as seconds, numbers that JSON has no
// spelling for as null.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case time.Duration:
		return strconv.AppendFloat(b, v.Seconds(), 'f', 6, 64)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return append(b, "null"...)
		}
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, text...)
}

// write writes one line, and before it how many were left out.
func (l *Log) write(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reportLost()
	_, _ = l.Out.Write(line) // no one else could be told
}

// reportLost says how many lines were left out, if there is room for that.
func (l *Log) reportLost() {
	if l.late == nil {
		return
	}
	n := l.late.takeLost()
	if n == 0 {
		return
	}
	text := fmt.Sprintf("%d lines were left out here: they were not read", n)
	line := l.line(0, text)
	if l.JSON {
		line = object(Event{Name: "lost", Text: text, Fields: []Field{{"lines", n}}})
	}
	_, _ = l.Out.Write(line)
}

// end waits until what was written has gone to standard error, if it is read.
func (l *Log) end() {
	l.late.flush()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reportLost()
	l.late.flush()
}
