package main

import (
	"regexp"
	"strings"
	"testing"

	"gcat/internal/testing/script"
	"gcat/man"
)

func TestManual(t *testing.T) { script.Manual(t, "gcat", "../../man/gcat.1") }

// TestHelp holds --help and -h to the grammar.
func TestHelp(t *testing.T) {
	t.Parallel()
	script.Help(t, "gcat", new(grammar))
}

// The groups of --help have the headings of the manual page.
func TestHeadings(t *testing.T) {
	t.Parallel()
	for _, group := range regexp.MustCompile(`(?m)\n\n([A-Z][^(\n]*)`).FindAllStringSubmatch(help, -1) {
		if heading := strings.TrimSpace(group[1]); heading != "Examples" && !strings.Contains(man.Gcat, ".Ss "+heading+"\n") {
			t.Errorf("gcat.1 has no subsection %q", heading)
		}
	}
}

// An option without its value never takes an operand for it.
func TestMissingValues(t *testing.T) {
	t.Parallel()
	script.MissingValues(t, "gcat", true, "127.0.0.1", "0")
}
