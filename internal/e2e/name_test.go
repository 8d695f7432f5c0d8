//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gcat/internal/testing/script"
)

// A command calls itself as it was called, in diagnostics, hints, help, completions
// and its manual page.
func TestName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"gcat", "gecho", "gpack"} {
		other := filepath.Join(t.TempDir(), "my-tool")
		if err := os.Symlink(script.Path(name), other); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"--nonsense"}, {"--completion"}, {"-h"}, {"--help"}, {"--version"}, {"--manual"},
			{"--completion", "bash"}, {"--completion", "zsh"}, {"--completion", "fish"},
		} {
			out, _ := exec.Command(other, args...).CombinedOutput()
			text := strings.ReplaceAll(string(out), ".Xr "+name+" ", "")
			if !strings.Contains(text, "my-tool") {
				t.Errorf("%s %q does not name itself: %.200s", name, args, out)
			}
			for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n;:'\"()|&$", r) }) {
				if word == name {
					t.Errorf("%s %q says %s", name, args, name)
					break
				}
			}
		}
	}
	// One that is no word for a shell is not repeated.
	for _, name := range []string{"a b", "\x1b[2J", "", ".exe", "$(id)"} {
		cmd := exec.Command(script.Path("gcat"), "--completion", "bash")
		cmd.Args[0] = name
		if out, err := cmd.Output(); err != nil || !strings.Contains(string(out), "complete -o bashdefault -o default -F _gcat gcat\n") {
			t.Errorf("%q: %v %s", name, err, out)
		}
	}
}

// --manual prints the page as it is.
func TestManualPage(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"gcat", "gecho", "gpack"} {
		want, err := os.ReadFile("../../man/" + name + ".1")
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(script.Path(name), "--manual")
		cmd.Args[0] = name
		if got, err := cmd.Output(); err != nil || string(got) != string(want) {
			t.Errorf("%s --manual: %v, %d bytes of %d", name, err, len(got), len(want))
		}
	}
}
