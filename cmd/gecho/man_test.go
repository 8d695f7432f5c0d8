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

const page = "../../man/gecho.1"

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
	help, err := exec.Command(script.Path("gecho"), "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	options, _, _ := strings.Cut(string(help), "\nExamples")
	_, options, _ = strings.Cut(options, "Time limits")
	var inHelp []string
	for _, m := range regexp.MustCompile(`(?:\n|  |, )(-\w|--[\w-]+)`).FindAllStringSubmatch(options, -1) {
		inHelp = append(inHelp, m[1])
	}
	slices.Sort(inPage)
	slices.Sort(inHelp)
	inPage, inHelp = slices.Compact(inPage), slices.Compact(inHelp)
	if len(inHelp) < 40 || !slices.Equal(inPage, inHelp) {
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
