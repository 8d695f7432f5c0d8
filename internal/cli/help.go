package cli

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// help is the text of --help: the synopsis, the flags by group, two examples.
func (a *App) help(model *kong.Application) string {
	var b strings.Builder
	for i, line := range a.Synopsis {
		lead := "Usage: "
		if i > 0 {
			lead = "       "
		}
		fmt.Fprintf(&b, "%s%s\n", lead, line)
	}
	fmt.Fprintf(&b, "%s\n", a.Summary)
	for _, g := range a.Groups {
		fmt.Fprintf(&b, "\n%s\n", g.Title)
		for _, f := range model.Flags {
			if f.Hidden || f.Group == nil || f.Group.Key != g.Key {
				continue
			}
			fmt.Fprintf(&b, "  %-28s %s\n", spelling(f), f.Help)
		}
	}
	if len(a.Examples) > 0 {
		b.WriteString("\nExamples\n")
		for _, e := range a.Examples {
			fmt.Fprintf(&b, "  %s\n      %s\n", e[0], e[1])
		}
	}
	return b.String()
}

// spelling is how a flag is typed: "-w, --timeout=D".
func spelling(f *kong.Flag) string {
	s := "    "
	if f.Short != 0 {
		s = "-" + string(f.Short) + ", "
	}
	s += "--" + f.Name
	if !f.IsBool() && !f.IsCounter() {
		s += "=" + placeholder(f)
	}
	return s
}

func placeholder(f *kong.Flag) string {
	if f.PlaceHolder != "" {
		return f.PlaceHolder
	}
	return strings.ToUpper(f.Name)
}
