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

// writeFlags lays flags out in their order, two on a line where they fit; the
// second may be taken from further down for that.
func writeFlags(b *strings.Builder, flags []*kong.Flag) {
	column := nameColumn(flags)
	placed := make(map[*kong.Flag]bool)
	for i, f := range flags {
		if placed[f] {
			continue
		}
		left := cell(f, column, helpHalf-2)
		start := max(helpHalf, width(left)+3) // of the right half
		right := ""
		for _, g := range flags[i+1:] {
			if text := cell(g, column, helpWidth-helpIndent-start); !placed[g] && width(text) <= helpWidth-helpIndent-start {
				right, placed[g] = text, true
				break
			}
		}
		if right == "" {
			writeWrapped(b, strings.Repeat(" ", helpIndent), cell(f, column, math.MaxInt), column+2)
			continue
		}
		fmt.Fprintf(b, "%*s%-*s%s\n", helpIndent, "", start, left, right)
	}
}

// nameColumn is how wide the names of flags are, those left out that would push
// the texts of all others to the right.
func nameColumn(flags []*kong.Flag) int {
	column := 0
	for _, f := range flags {
		if w := width(spelling(f)); w <= 16 {
			column = max(column, w)
		}
	}
	return column
}

// cell is a flag and its help in one line, the help beginning at column unless
// that makes it wider than room.
func cell(f *kong.Flag, column, room int) string {
	name, help := spelling(f), strings.TrimSuffix(f.Help, ".")
	aligned := name + strings.Repeat(" ", max(0, column-width(name))) + "  " + help
	if width(aligned) > room {
		return name + "  " + help
	}
	return aligned
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
