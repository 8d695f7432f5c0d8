package cli

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// The shape of --help, in columns of a terminal: two flags share a line where
// both are short enough, so that all of them fit a screen.
const (
	helpWidth  = 80
	helpIndent = 2
	helpHalf   = 39 // where the second flag on a line begins, if the first is not too long
)

// Layout is the text of --help for a grammar as [App.Main] takes it.
func (a *App) Layout(grammar any) (string, error) {
	parser, err := a.parser(grammar)
	if err != nil {
		return "", err
	}
	return a.help(parser.Model), nil
}

// help is the text of --help: the synopsis, the flags by group, the examples.
func (a *App) help(model *kong.Application) string {
	var b strings.Builder
	for i, line := range a.Synopsis {
		lead := "Usage: "
		if i > 0 {
			lead = "       "
		}
		b.WriteString(lead + line + "\n")
	}
	for line := range strings.SplitSeq(a.Summary, "\n") {
		writeWrapped(&b, "", line, -helpIndent)
	}
	for _, g := range a.Groups {
		if flags := groupOf(model, g.Key); len(flags) > 0 {
			b.WriteString(g.Title + "\n")
			writeFlags(&b, flags)
		}
	}
	if len(a.Examples) > 0 {
		b.WriteString("Examples\n")
	}
	for _, e := range a.Examples {
		writeExample(&b, e[0], e[1])
	}
	return b.String()
}

// groupOf lists the flags of a group, in the grammar's order.
func groupOf(model *kong.Application, key string) []*kong.Flag {
	var flags []*kong.Flag
	for _, f := range model.Flags {
		if !f.Hidden && f.Group != nil && f.Group.Key == key {
			flags = append(flags, f)
		}
	}
	return flags
}

// An entry is a flag of the help: how it is spelt and what it does.
type entry struct {
	name, help string
	wide, long int // their widths
	placed     bool
}

func entries(flags []*kong.Flag) []entry {
	list := make([]entry, len(flags))
	for i, f := range flags {
		name, help := spelling(f), strings.TrimSuffix(f.Help, ".")
		list[i] = entry{name: name, help: help, wide: width(name), long: width(help)}
	}
	return list
}

// writeFlags lays flags out in their order, two on a line where they fit; the
// second may be taken from further down for that.
func writeFlags(b *strings.Builder, flags []*kong.Flag) {
	list := entries(flags)
	column := nameColumn(list)
	for i := range list {
		e := &list[i]
		if e.placed {
			continue
		}
		pad, left := e.fit(column, helpHalf-2)
		start := max(helpHalf, left+3) // of the right half
		room := helpWidth - helpIndent - start
		right := partner(list[i+1:], column, room)
		if right == nil {
			pad, _ = e.fit(column, math.MaxInt)
			writeWrapped(b, blanks(helpIndent), e.name+blanks(pad)+e.help, column+2)
			continue
		}
		right.placed = true
		behind, _ := right.fit(column, room)
		for _, s := range []string{
			blanks(helpIndent), e.name, blanks(pad), e.help, blanks(start - left),
			right.name, blanks(behind), right.help, "\n",
		} {
			b.WriteString(s)
		}
	}
}

// partner is the first flag of list that fits into room, or nil.
func partner(list []entry, column, room int) *entry {
	for i := range list {
		if _, w := list[i].fit(column, room); !list[i].placed && w <= room {
			return &list[i]
		}
	}
	return nil
}

// nameColumn is how wide the names of flags are, those left out that would push
// the texts of all others to the right.
func nameColumn(list []entry) int {
	column := 0
	for _, e := range list {
		if e.wide <= 16 {
			column = max(column, e.wide)
		}
	}
	return column
}

// fit is the number of blanks between the name and the help, which begins at
// column unless that makes both together wider than room, and how wide it all is.
func (e *entry) fit(column, room int) (pad, wide int) {
	pad = max(0, column-e.wide) + 2
	if e.wide+pad+e.long > room {
		pad = 2
	}
	return pad, e.wide + pad + e.long
}

// blanks is n blanks.
func blanks(n int) string {
	const many = "                                                                                "
	if n <= len(many) {
		return many[:n]
	}
	return strings.Repeat(" ", n)
}

// writeExample writes a command and what it does, on one line if they fit.
func writeExample(b *strings.Builder, command, does string) {
	line := fmt.Sprintf("  %-40s  %s", command, does)
	if width(line) > helpWidth {
		line = "  " + command + "\n      " + does
	}
	b.WriteString(line + "\n")
}

// writeWrapped writes text after lead, broken at blanks where it reaches the
// right edge; further lines are indented by hang more columns. Blanks within
// text are kept.
func writeWrapped(b *strings.Builder, lead, text string, hang int) {
	for width(lead)+width(text) > helpWidth {
		room := helpWidth - width(lead)
		cut := strings.LastIndexByte(firstRunes(text, room+1), ' ')
		if cut <= 0 || strings.TrimSpace(text[:cut]) == "" {
			break // a word that is wider than the screen
		}
		b.WriteString(lead + strings.TrimRight(text[:cut], " ") + "\n")
		text = strings.TrimLeft(text[cut:], " ")
		lead = strings.Repeat(" ", helpIndent+hang)
	}
	b.WriteString(lead + text + "\n")
}

// firstRunes is the beginning of s, n letters long.
func firstRunes(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

func width(s string) int { return utf8.RuneCountInString(s) }

// spelling is how a flag is typed: "-w, --timeout D".
func spelling(f *kong.Flag) string {
	s := "--" + f.Name
	if f.Short != 0 {
		s = "-" + string(f.Short) + ", " + s
	}
	if takesValue(f) {
		s += " " + placeholder(f)
	}
	return s
}

// takesValue reports whether f is followed by a value.
func takesValue(f *kong.Flag) bool { return !f.IsBool() && !f.IsCounter() }

func placeholder(f *kong.Flag) string {
	if f.PlaceHolder != "" {
		return f.PlaceHolder
	}
	if f.Enum != "" {
		return strings.Join(choices(f), "|")
	}
	return strings.ToUpper(f.Name)
}
