package cli

import (
	"strings"
	"testing"
)

// Each error of a command line is one line that says what to type and names --help.
func TestUsageErrors(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--timeot", "5"}, `unknown option "--timeot", did you mean --timeout?`},
		{[]string{"--timeot=5"}, `unknown option "--timeot", did you mean --timeout?`},
		{[]string{"--conns=5"}, `unknown option "--conns";`},
		{[]string{"--lisetn"}, `unknown option "--lisetn", did you mean --listen?`},
		{[]string{"--complecions"}, `unknown option "--complecions", did you mean --completion?`},
		{[]string{"--shutwdonw"}, `unknown option "--shutwdonw";`},
		{[]string{"--TLS_CA"}, `unknown option "--TLS_CA", did you mean --tls-ca?`},
		{[]string{"--lo"}, `unknown option "--lo";`},
		{[]string{"--ver"}, `unknown option "--ver", did you mean one of --version, --verbose?`},
		{[]string{"-timeout", "5"}, `unknown option "-timeout", did you mean --timeout?`},
		{[]string{"-E"}, `unknown option "-E";`},
		{[]string{"-lX"}, `unknown option "-X";`},
		{[]string{"--zzzz"}, `unknown option "--zzzz";`},
		{[]string{"--\x1b]0;x\a"}, `unknown option "--\x1b]0;x\a";`},
		{[]string{"-w"}, `-w needs a value: type -w D;`},
		{[]string{"-lw"}, `-w needs a value: type -w D;`},
		{[]string{"-l", "--exec"}, `--exec needs a value: type --exec CMD;`},
		{[]string{"--completion"}, `--completion needs a value: type --completion SHELL;`},
		{[]string{"--completion", "tcsh"}, `no completion script for "tcsh": type --completion bash, zsh or fish;`},
		{[]string{"-w", "x"}, `--timeout: bad duration "x": want seconds (5, 1.5) or a unit (500ms, 2m, 1h);`},
		{[]string{"-p", "x"}, `--port: bad number "x": want a whole number;`},
		{[]string{"--listen=7"}, `--listen takes no value, got "7";`},
		{[]string{"--log", "xml"}, `--log: bad value "xml": want one of "text","json";`},
		{[]string{"a", "b"}, `unexpected argument "b": usage: gtest [options] DEST;`},
		{[]string{"a", "b\nc"}, `unexpected argument "b\nc": usage: gtest [options] DEST;`},
	} {
		status, out, errs := run(t, test.args...)
		if status != Usage || out != "" {
			t.Errorf("%q: status %d, standard output %q", test.args, status, out)
		}
		want := "gtest: " + test.want + " see gtest --help\n"
		if errs != want {
			t.Errorf("%q:\n got %s want %s", test.args, errs, want)
		}
	}
}

// What looks like an option without its value may be a value, or an operand.
func TestMissingValueIsNot(t *testing.T) {
	for _, args := range [][]string{{"-e", "-w"}, {"--exec", "--timeout"}, {"--", "-w"}, {"-ew"}, {"-e-w"}, {"-w5"}, {"-"}, {"--exec=--timeout"}} {
		if status, _, errs := run(t, args...); status != OK {
			t.Errorf("%q: status %d, %s", args, status, errs)
		}
	}
}

// A line stays one line, and a terminal stays as it was, whatever the words of
// an error contain.
func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain é 世": "plain é 世", "a\nb": `a\nb`, "\x1b[2J": `\x1b[2J`, "\u009b": `\u009b`, "\xff\x80": `\xff\x80`, `quo"te`: `quo"te`,
		"gpj.\u202eexe": `gpj.\u202eexe`, // shown as "exe.jpg"
	} {
		if got := printable(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	if _, _, errs := run(t, "-w", "\x1b[2J\u009b"); strings.ContainsAny(errs, "\x1b\u009b") {
		t.Errorf("%q", errs)
	}
}
