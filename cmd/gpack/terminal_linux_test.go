package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"gcat/internal/testing/script"
)

// TestTerminal checks what is refused when a person sits in front of it, and that
// text is not.
func TestTerminal(t *testing.T) {
	t.Parallel()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, test := range []struct {
		args   []string
		input  string // standard input; "" is the terminal
		status int
		shows  string
	}{
		{[]string{"H", "1"}, "", 2, "gpack: standard output is a terminal: binary is not written to it without --force"},
		{[]string{"--force", "2s", "hi"}, "", 0, "hi"},
		{[]string{"-x", "H", "1"}, "", 0, "0001"},
		{[]string{"-x", "H"}, "", 2, "gpack: no VALUE, and standard input is a terminal"},
		{[]string{"-f", "H"}, "x", 2, "binary is not written to it"},
		{[]string{"-dfn1", "B"}, "\x01x", 2, "binary is not written to it"},
		{[]string{"-df", "B"}, "\x02x\x1b", 0, `x\x1b`},
		{[]string{"-d", "2s"}, "\x1b[", 0, `\x1b[`},
		{[]string{"-w", t.TempDir() + "/f", "H", "1"}, "", 0, ""},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			cmd := exec.Command(script.Path("gpack"), test.args...)
			if test.input != "" {
				cmd.Stdin = strings.NewReader(test.input)
			}
			s := script.Sit(t, 200, cmd)
			if got := s.Leaves(); got != test.status {
				t.Errorf("status %d, want %d", got, test.status)
			}
			if shown := s.Ends(); !strings.Contains(shown, test.shows) || test.shows == "" && shown != "" {
				t.Errorf("shows %q, want %q", shown, test.shows)
			}
		})
	}
}
