package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gcat/internal/testing/script"
)

// The three commands' completion scripts are taken by the shells that they are
// for, and know the commands' options.
func TestCompletions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ command, typed, option string }{
		{"gcat", "--connect-t", "--connect-timeout"}, {"gecho", "--farew", "--farewell"}, {"gpack", "--keep-h", "--keep-header"},
	} {
		for shell, complete := range map[string]string{
			"bash": `source "$1"; compopt() { :; }; COMP_WORDS=($2 $3); COMP_CWORD=1; _$2; echo "${COMPREPLY[@]}"`,
			"zsh":  `autoload -Uz compinit; compinit -u -D; source $1; [[ $_comps[$2] = _$2 ]] && grep -oe $3'[a-z-]*' $1 | head -n 1`,
			"fish": `source $argv[1]; complete -C "$argv[2] $argv[3]" | string split -f 1 \t`,
		} {
			path := filepath.Join(t.TempDir(), "completion")
			text, err := exec.Command(script.Path(test.command), "--completion", shell).Output()
			if err != nil {
				t.Errorf("%s --completion %s: %v", test.command, shell, err)
				continue
			}
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{"-c", complete, path, test.command, test.typed}
			switch shell {
			case "bash":
				args = append([]string{"--norc", "-c", complete, "bash"}, args[2:]...)
			case "zsh":
				args = append([]string{"-f", "-c", complete, "zsh"}, args[2:]...)
			case "fish":
				args = append([]string{"--no-config"}, args...)
			}
			cmd := exec.Command(script.Peer(t, shell), args...)
			cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
			out, err := cmd.CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != test.option {
				t.Errorf("%s in %s: %q, %v; want %s", test.command, shell, got, err, test.option)
			}
		}
	}
}
