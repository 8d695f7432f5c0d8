package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gcat/internal/script"
)

const page = "../../man/gpack.1"

// TestManFlags holds the manual page to --help: the same options.
func TestManFlags(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var inPage []string
	for _, item := range regexp.MustCompile(`(?m)^\.It Fl .*$`).FindAllString(string(source), -1) {
		for _, m := range regexp.MustCompile(`Fl (-?[\w-]+)`).FindAllStringSubmatch(item, -1) {
			inPage = append(inPage, "-"+m[1])
		}
	}
	help, err := exec.Command(script.Path("gpack"), "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	options, _, _ := strings.Cut(string(help), "\nExamples")
	_, options, _ = strings.Cut(options, "What to do")
	var inHelp []string
	for _, m := range regexp.MustCompile(`(?m)(?:^|[ ,])(-[\w]|--[\w-]+)(?:[ ,]|$)`).FindAllStringSubmatch(strings.ReplaceAll(options, " ", "  "), -1) {
		inHelp = append(inHelp, m[1])
	}
	slices.Sort(inPage)
	slices.Sort(inHelp)
	inPage, inHelp = slices.Compact(inPage), slices.Compact(inHelp)
	if !slices.Equal(inPage, inHelp) {
		t.Errorf("the page has %q\n--help has %q", inPage, inHelp)
	}
}

// TestManLint holds the manual page to mandoc.
func TestManLint(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(script.Peer(t, "mandoc"), "-T", "lint", "-W", "style", page).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		// The other pages need not be installed.
		if !strings.Contains(line, "referenced manual not found") && !strings.Contains(line, "outdated mandoc.db") {
			t.Errorf("%s", line)
		}
	}
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatal(err)
	}
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
