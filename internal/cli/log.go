package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Log writes diagnostics, and with -v events and information, as readable lines or
// as JSON objects, one a line. Each line is one write.
type Log struct {
	// Name is the command's name, in front of every readable line.
	Name string
	// Level selects the lines: 0 is failures only, 1 is -v, 2 is -vv.
	Level int
	// JSON writes objects instead of readable lines.
	JSON bool
	// Clock writes the time of day in front of the readable lines of -v.
	Clock bool
	// Out is written to. It is safe for concurrent use if the log is used so.
	Out io.Writer
}

// Enabled reports whether lines of level are written.
func (l *Log) Enabled(level int) bool { return level <= l.Level }

// Event writes an event, if lines of level are written: text as a readable line, or an
// object with the member "event" and those of fields, keys and values in turn. A duration
// is written as seconds.
func (l *Log) Event(level int, event, text string, fields ...any) {
	switch {
	case !l.Enabled(level):
	case l.JSON:
		l.object(event, text, fields)
	default:
		l.line(level, text)
	}
}

// Infof writes a line, if lines of level are written. In JSON it is an event named
// "info".
func (l *Log) Infof(level int, format string, args ...any) {
	if l.Enabled(level) {
		l.Event(level, "info", fmt.Sprintf(format, args...))
	}
}

// Error writes the diagnostic of err, and its hint as a second line. fields are those of
// [Log.Event].
func (l *Log) Error(err error, fields ...any) {
	if err == nil {
		return
	}
	text := err.Error()
	if l.JSON {
		l.object("error", text, append([]any{"error", kindOf(err)}, fields...))
		return
	}
	if StatusOf(err) == Usage {
		if !strings.HasSuffix(text, "?") {
			text += ";"
		}
		text += " see " + l.Name + " --help"
	}
	l.line(0, text)
	if hint := hintOf(err); hint != "" {
		l.line(0, "hint: "+hint)
	}
}

// line writes a readable line. Unprintable characters are escaped as by %q: a newline
// would begin a second line, an escape would control the terminal, and a mark that
// changes the direction of writing would mislead the reader.
func (l *Log) line(level int, text string) {
	var b []byte
	if l.Clock && level > 0 {
		b = time.Now().AppendFormat(b, "15:04:05.000 ")
	}
	_, _ = l.Out.Write(append(b, l.Name+": "+printable(text)+"\n"...))
}

// printable returns text with unprintable characters and bytes that are not UTF-8
// escaped, but neither backslashes nor quotes.
func printable(text string) string {
	quoted := strconv.Quote(text)
	return plain.Replace(quoted[1 : len(quoted)-1])
}

// plain undoes the escapes of backslashes and quotes. It is made once: each line needs it.
var plain = strings.NewReplacer(`\\`, `\`, `\"`, `"`)

// object writes an event as a line with a JSON object.
func (l *Log) object(event, text string, fields []any) {
	b := time.Now().UTC().AppendFormat([]byte(`{"time":`), `"2006-01-02T15:04:05.000000Z"`)
	for f := range slices.Chunk(slices.Concat([]any{"event", event}, fields, []any{"text", text}), 2) {
		b = append(b, ',')
		b = appendValue(b, f[0])
		b = append(b, ':')
		b = appendValue(b, f[1])
	}
	_, _ = l.Out.Write(append(b, '}', '\n'))
}

// appendValue appends v as JSON, a duration as seconds.
func appendValue(b []byte, v any) []byte {
	if d, ok := v.(time.Duration); ok {
		return strconv.AppendFloat(b, d.Seconds(), 'f', 6, 64)
	}
	text, _ := json.Marshal(v) // of a string or an integer
	return append(b, text...)
}
