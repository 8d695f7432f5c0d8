package script

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A Transcript is a shell session as a document shows it: commands behind "$ ",
// each followed by what it prints.
type Transcript struct {
	Name     string
	Commands []string
	Output   []string // of each command, whole lines
}

// Transcripts reads the console blocks of a Markdown file.
func Transcripts(t testing.TB, file string) []Transcript {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []Transcript
	for i, block := range strings.Split(string(source), "```console\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		tr := Transcript{Name: fmt.Sprintf("%s-%d", filepath.Base(file), i+1)}
		for line := range strings.Lines(block) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				tr.Commands = append(tr.Commands, command)
				tr.Output = append(tr.Output, "")
			} else if len(tr.Output) > 0 {
				tr.Output[len(tr.Output)-1] += line
			}
		}
		all = append(all, tr)
	}
	return all
}

// Run types the commands into one bash and compares what each prints. Commands
// that begin with "go run" are run in the project's root.
func (tr Transcript) Run(t *testing.T, root string) {
	t.Helper()
	bash := Peer(t, "bash")
	var b strings.Builder
	b.WriteString(LoopbackUp)
	for i, command := range tr.Commands {
		if strings.HasPrefix(command, "go run") {
			command = fmt.Sprintf("cd '%s'\n%scd \"$OLDPWD\"\n", root, command)
		}
		fmt.Fprintf(&b, "%secho '#%d'\n", command, i)
	}
	b.WriteString("kill $(jobs -p) 2>/dev/null\nwait\n")
	ctx, cancel := context.WithTimeout(t.Context(), Deadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, bash, "-c", b.String())
	OwnNetwork(cmd)
	alone(cmd)
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	cmd.Dir = t.TempDir()
	var errors strings.Builder
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil && len(out) == 0 {
		t.Fatalf("%v: %s", err, &errors)
	}
	rest := string(out)
	for i, want := range tr.Output {
		var got string
		got, rest, _ = strings.Cut(rest, fmt.Sprintf("#%d\n", i))
		if got != want {
			t.Errorf("$ %sprinted %q, want %q; errors: %s", tr.Commands[i], got, want, &errors)
		}
	}
}
