package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"gcat/internal/testing/script"
)

const page = "../../man/gpack.1"

// TestManual holds the manual page to --help, and to mandoc.
func TestManual(t *testing.T) {
	t.Parallel()
	script.Manual(t, "gpack", page)
}

// TestManExamples runs the transcripts under EXAMPLES.
func TestManExamples(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, examples, _ := strings.Cut(string(source), ".Sh EXAMPLES")
	examples, _, _ = strings.Cut(examples, ".Sh SEE ALSO")
	blocks := regexp.MustCompile(`(?s)\.Bd -literal[^\n]*\n(.*?)\.Ed`).FindAllStringSubmatch(examples, -1)
	if len(blocks) < 5 {
		t.Fatalf("%d examples", len(blocks))
	}
	for _, block := range blocks {
		text := strings.ReplaceAll(block[1], `\e`, `\`)
		for _, example := range strings.Split("\n"+text, "\n$ ")[1:] {
			command, want, _ := strings.Cut(example, "\n")
			cmd := exec.Command("sh", "-c", command)
			cmd.Env = append(os.Environ(), "PATH="+strings.TrimSuffix(script.Path("gpack"), "/gpack")+":"+os.Getenv("PATH"))
			got, err := cmd.CombinedOutput()
			if err != nil || strings.TrimSuffix(string(got), "\n") != strings.TrimSuffix(want, "\n") {
				t.Errorf("%s\ngot  %q %v\nwant %q", command, got, err, want)
			}
		}
	}
}

// TestHelp holds --help and -h to the grammar.
func TestHelp(t *testing.T) {
	t.Parallel()
	script.Help(t, "gpack", new(gpack))
}

// An option without its value never takes an operand for it.
func TestMissingValues(t *testing.T) {
	t.Parallel()
	script.MissingValues(t, "gpack", false, "B", "1")
}
