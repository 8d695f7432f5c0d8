package script

import (
	"flag"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the help.txt of each command anew")

// HelpText holds help.txt, which a command prints for --help, against what is
// made of its grammar: go test ./cmd/... -run HelpText -update writes it anew.
func HelpText(t *testing.T, want string, err error) {
	t.Helper()
	const file = "help.txt"
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("%s is not what the grammar says (go test ./cmd/... -run HelpText -update): %v", file, err)
	}
}

// Manual holds a command's manual page against its --help: every flag of the
// one stands in the other. The page marks an option's entry by ".It Fl".
func Manual(t *testing.T, name, page string) {
	t.Helper()
	out, err := exec.Command(Path(name), "--help").Output()
	if err != nil {
		t.Fatalf("%s --help: %v", name, err)
	}
	source, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	help, manual := helpFlags(string(out)), manualFlags(string(source))
	for _, flag := range help {
		if !slices.Contains(manual, flag) {
			t.Errorf("%s: %s has no entry for %s", name, page, flag)
		}
	}
	for _, flag := range manual {
		if !slices.Contains(help, flag) {
			t.Errorf("%s: --help says nothing of %s, which is in %s", name, flag, page)
		}
	}
	if mandoc, err := exec.LookPath("mandoc"); err != nil {
		Missing(t, "mandoc is not installed")
	} else if lint, _ := exec.Command(mandoc, "-T", "lint", "-W", "warning", page).Output(); len(lint) > 0 {
		t.Errorf("mandoc -T lint:\n%s", lint)
	}
}

var longFlag = regexp.MustCompile(`(?:^|[\s,(])(--[a-z][a-z0-9-]*)`)
var shortFlag = regexp.MustCompile(`(?m)(?:^|\s\s)(-[A-Za-z0-9]), --`)

// helpFlags are the flags of a --help text, apart from its examples.
func helpFlags(text string) []string {
	if i := strings.Index(text, "\nExamples\n"); i >= 0 {
		text = text[:i]
	}
	if i := strings.Index(text, "\n"); i >= 0 && strings.HasPrefix(text, "Usage:") {
		for strings.HasPrefix(text, "Usage:") || strings.HasPrefix(text, "       ") {
			_, text, _ = strings.Cut(text, "\n")
		}
	}
	var flags []string
	for _, pattern := range []*regexp.Regexp{longFlag, shortFlag} {
		for _, m := range pattern.FindAllStringSubmatch(text, -1) {
			flags = append(flags, m[1])
		}
	}
	slices.Sort(flags)
	return slices.Compact(flags)
}

// manualFlags are the flags that have an entry in an mdoc page: ".It Fl w , Fl
// -timeout Ar D".
func manualFlags(source string) []string {
	var flags []string
	for line := range strings.Lines(source) {
		if !strings.HasPrefix(line, ".It Fl ") {
			continue
		}
		words := strings.Fields(line)
		for i, w := range words {
			if w == "Fl" && i+1 < len(words) {
				flags = append(flags, "-"+words[i+1])
			}
		}
	}
	slices.Sort(flags)
	return slices.Compact(flags)
}
