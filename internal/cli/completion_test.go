//go:build unix

package cli

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// script writes the completion script for shell to a file.
func script(t *testing.T, shell string) string {
	t.Helper()
	status, out, errs := run(t, "--completion", shell)
	if status != OK || errs != "" {
		t.Fatalf("status %d, %q", status, errs)
	}
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// output returns what a shell prints, one word a line.
func output(t *testing.T, cmd *exec.Cmd) []string {
	t.Helper()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || errs.Len() > 0 {
		t.Fatalf("%v: %v, %s", cmd.Args, err, &errs)
	}
	got := lines(string(out))
	slices.Sort(got)
	return got
}

// What a shell offers for a command line, the last word of which is being
// typed.
var offers = []struct {
	line string
	want []string
}{
	{"gtest --l", []string{"--listen", "--log"}},
	{"gtest -l --max", []string{"--max-conns"}},
	{"gtest --secr", nil},
	{"gtest --log ", []string{"json", "text"}},
	{"gtest --log j", []string{"json"}},
	{"gtest -l --shutdown b", []string{"both"}},
	{"gtest --completion ", []string{"bash", "fish", "zsh"}},
}

func TestBash(t *testing.T) {
	bash, path := peer(t, "bash"), script(t, "bash")
	output(t, exec.Command(bash, "-n", path))
	const program = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; _gtest; printf '%s\n' "${COMPREPLY[@]}"`
	offered := func(words ...string) []string {
		return output(t, exec.Command(bash, append([]string{"--norc", "-c", program, "bash", path}, words...)...))
	}
	for _, test := range offers {
		want := test.want
		if want == nil {
			want = []string{""}
		}
		if got := offered(strings.Split(test.line, " ")...); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", test.line, got, want)
		}
	}
	// Bash splits at the equals sign.
	if got := offered("gtest", "--log", "=", "t"); !slices.Equal(got, []string{"text"}) {
		t.Errorf("--log=t: %q", got)
	}
	if got := offered("gtest", "--log", "="); !slices.Equal(got, []string{"json", "text"}) {
		t.Errorf("--log=: %q", got)
	}
	if got := offered("gtest", "--", "--l"); !slices.Equal(got, []string{""}) {
		t.Errorf("-- --l: %q", got)
	}
	keys(t, exec.Command(bash, "--norc", "--noprofile", "-i"), ". "+path)
}

func TestZsh(t *testing.T) {
	zsh, path := peer(t, "zsh"), script(t, "zsh")
	output(t, exec.Command(zsh, "-n", path))
	keys(t, exec.Command(zsh, "-f", "-i"), "autoload -Uz compinit; compinit -u -D; setopt no_prompt_cr no_prompt_sp; unsetopt zle_bracketed_paste; . "+path)
}

func TestFish(t *testing.T) {
	fish, path := peer(t, "fish"), script(t, "fish")
	output(t, exec.Command(fish, "--no-execute", path))
	home := t.TempDir()
	for _, test := range offers {
		cmd := exec.Command(fish, "--no-config", "-c", `source $argv[1]; complete -C $argv[2]`, path, test.line)
		cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home)
		var got []string
		for _, line := range output(t, cmd) {
			word, _, _ := strings.Cut(line, "\t") // the rest is the description
			if word != "" {
				got = append(got, word)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, want %q", test.line, got, test.want)
		}
	}
}

// keys types at an interactive shell: the tab key completes an option, a value
// and the name of a file.
func keys(t *testing.T, shell *exec.Cmd, load string) {
	t.Helper()
	shell.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(shell.Dir, "authorities.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	shell.Env = append(os.Environ(), "TERM=dumb", "PS1=", "INPUTRC=/dev/null", "HOME="+shell.Dir, "ZDOTDIR="+shell.Dir)
	tty, err := pty.StartWithSize(shell, &pty.Winsize{Rows: 24, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = shell.Process.Kill()
		_, _ = shell.Process.Wait()
		_ = tty.Close()
	}()
	screen := &screen{t: t, tty: tty}
	// The function prints its arguments, as the shell has completed them.
	screen.send(load + "\ngtest() { printf '<%s>' \"$@\"; echo .; }\necho rea''dy\n")
	screen.await("ready")
	screen.send("gtest --lis\t\n")
	screen.await("<--listen>.")
	screen.send("gtest --shutdown b\t\n")
	screen.await("<--shutdown><both>.")
	screen.send("gtest --log=js\t\n")
	screen.await("<--log=json>.")
	screen.send("gtest --tls-ca auth\t\n")
	screen.await("<--tls-ca><authorities.pem>.")
	screen.send("gtest -l auth\t\n")
	screen.await("<-l><authorities.pem>.")
}

// A screen is the far end of a terminal.
type screen struct {
	t    *testing.T
	tty  *os.File
	seen []byte
}

func (s *screen) send(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.tty, keys); err != nil {
		s.t.Fatal(err)
	}
}

// await reads until text has been shown, and drops the text before it.
func (s *screen) await(text string) {
	s.t.Helper()
	if err := s.tty.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	for buf := make([]byte, 4096); ; {
		if i := bytes.Index(s.seen, []byte(text)); i >= 0 {
			s.seen = s.seen[i+len(text):]
			return
		}
		n, err := s.tty.Read(buf)
		if err != nil {
			s.t.Fatalf("%v while waiting for %q, saw %q", err, text, s.seen)
		}
		s.seen = append(s.seen, buf[:n]...)
	}
}
