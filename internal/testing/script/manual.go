package script

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// Help holds what a command prints for --help and -h to its grammar: --help has
// each option on a line of its own, -h some of them on half a screen.
func Help(t *testing.T, name string, grammar any) {
	t.Helper()
	parser, err := kong.New(grammar, kong.NoDefaultHelp())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"-h"}
	values := make(map[string]bool)
	for _, f := range parser.Model.Flags {
		if f.Short != 0 && f.Name != "help" {
			want = append(want, "-"+string(f.Short))
		}
		want = append(want, "--"+f.Name)
		values["--"+f.Name] = !f.IsBool() && !f.IsCounter()
	}
	slices.Sort(want)
	all, some := helpText(t, name, "--help"), helpText(t, name, "-h")
	if got := helpFlags(all); !slices.Equal(got, want) {
		t.Errorf("%s --help has %q, the grammar %q", name, got, want)
	}
	for _, flag := range helpFlags(some) {
		if !slices.Contains(want, flag) {
			t.Errorf("%s -h has %s, the grammar has not", name, flag)
		}
	}
	for _, text := range []string{all, some} {
		for _, m := range helpLine.FindAllStringSubmatch(text, -1) {
			if m[2] != "" && values[m[2]] != (m[3] != "") {
				t.Errorf("%s: %q: it takes a value: %v", name, m[0], values[m[2]])
			}
		}
	}
	if n := strings.Count(some, "\n"); n > 24 {
		t.Errorf("%s -h has %d lines", name, n)
	}
	if !strings.Contains(all, "\nExamples\n") {
		t.Errorf("%s --help has no examples", name)
	}
}

func helpText(t *testing.T, name, option string) string {
	t.Helper()
	out, err := exec.Command(Path(name), option).Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, option, err)
	}
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSuffix(line, "\n"); len([]rune(line)) > 80 || strings.TrimRight(line, " ") != line {
			t.Errorf("%s %s: wider than 80 columns, or blanks at its end: %q", name, option, line)
		}
	}
	return string(out)
}

// helpLine is an option in a text of --help: "  -w, --timeout D   Limit".
var helpLine = regexp.MustCompile(`(?m)^  (-[A-Za-z0-9])?(?:, )?(--[a-z0-9-]+)?(?: ([^ ]+))?(?:  |$)`)

// helpFlags are the options of a --help text, in order.
func helpFlags(text string) []string {
	var flags []string
	for _, m := range helpLine.FindAllStringSubmatch(text, -1) {
		for _, flag := range m[1:3] {
			if flag != "" {
				flags = append(flags, flag)
			}
		}
	}
	slices.Sort(flags)
	return flags
}

// Manual holds a command's manual page against its --help: every flag of the
// one stands in the other. The page marks an option's entry by ".It Fl".
func Manual(t *testing.T, name, page string) {
	t.Helper()
	source, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	help, manual := helpFlags(helpText(t, name, "--help")), manualFlags(string(source))
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
