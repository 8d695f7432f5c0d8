package script

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// An Option is an option of a command, as its completion script for zsh has it.
type Option struct {
	Names []string // "-w" and "--timeout", the letter first
	Value string   // the placeholder of its value, empty if it takes none
	Help  string
}

// '(-w --timeout)'{-w+,--timeout=}'[help]:D: ' or '(--retry)--retry=[help]:D: '
var zshSpec = regexp.MustCompile(`(?m)^        '(?:\([^)]*\)|\*)'?\{?(?:(-.)\+?,)?(--[a-z0-9-]+)=?\}?'?\[((?:[^\]\\]|\\.)*)\](?::((?:[^:\\]|\\.)*):.*)?' \\$`)

// Options lists the options of a command, read from what it prints for
// --completion zsh: the grammar itself, seen from outside.
func Options(t *testing.T, name string) []Option {
	t.Helper()
	out, err := exec.Command(Path(name), "--completion", "zsh").Output()
	if err != nil {
		t.Fatalf("%s --completion zsh: %v", name, err)
	}
	plain := regexp.MustCompile(`\\(.)`)
	var list []Option
	for _, m := range zshSpec.FindAllStringSubmatch(string(out), -1) {
		o := Option{Names: []string{m[2]}, Help: plain.ReplaceAllString(m[3], "$1"), Value: plain.ReplaceAllString(m[4], "$1")}
		if m[1] != "" {
			o.Names = []string{m[1], m[2]}
		}
		list = append(list, o)
	}
	if specs := strings.Count(string(out), "]"); len(list) < 20 || len(list) > specs {
		t.Fatalf("%s: %d options in\n%s", name, len(list), out)
	}
	return list
}

// MissingValues holds every option of a command that takes a value to never
// taking an operand for it: behind the operands, between them and a "--", in a
// bundle. Where the first operand ends the options (gpack), mixed is false.
func MissingValues(t *testing.T, command string, mixed bool, operands ...string) {
	t.Helper()
	valued := 0
	for _, o := range Options(t, command) {
		if o.Value == "" {
			continue
		}
		valued++
		for _, name := range o.Names {
			lines := [][]string{{name}, {"-v", name}, {name, "--"}, append([]string{name, "--"}, operands...)}
			if len(name) == 2 {
				lines = append(lines, []string{"-v" + name[1:]}, append([]string{"-vv" + name[1:], "--"}, operands...))
			}
			if mixed {
				for _, line := range lines[:len(lines):len(lines)] {
					if len(line) < 3 {
						lines = append(lines, append(operands[:len(operands):len(operands)], line...), append(operands[:1:1], line...))
					}
				}
				lines = append(lines, append(append(operands[:1:1], name, "--"), operands[1:]...))
			}
			for _, line := range lines {
				cmd := exec.Command(Path(command), line...)
				var out, errs strings.Builder
				cmd.Stdout, cmd.Stderr = &out, &errs
				_ = cmd.Run()
				want := command + ": " + name + " needs a value: type " + name + " " + o.Value + "; see " + command + " --help\n"
				if cmd.ProcessState.ExitCode() != 2 || out.Len() > 0 || errs.String() != want {
					t.Errorf("%s %q: status %d, %q, %q; want %q", command, line, cmd.ProcessState.ExitCode(), out.String(), errs.String(), want)
				}
			}
		}
	}
	if valued < 10 {
		t.Errorf("%s: %d options take a value", command, valued)
	}
}
