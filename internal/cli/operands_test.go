package cli

import (
	"strings"
	"testing"
)

func TestOperandsLast(t *testing.T) {
	parser, err := testApp.parser(new(grammar))
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"":                        "",
		"-l host":                 "-l host",
		"host -l":                 "-l host",
		"host -w 5 80":            "-w 5 host 80",
		"host -lw 5 80 -v":        "-lw 5 -v host 80",
		"host -w5 80":             "-w5 host 80",
		"host --timeout=5 80":     "--timeout=5 host 80",
		"host --timeout -5 80":    "--timeout -5 host 80",
		"host --nope 80":          "--nope host 80",
		"a -l b -- -c -v":         "-l -- a b -c -v",
		"a - -l":                  "-l a -",
		"a -w":                    "-w a",
		"-w":                      "-w",
		"--":                      "--",
		"host --timeout -- 80 -l": "--timeout -- -l host 80",
	} {
		if got := strings.Join(operandsLast(parser.Model, strings.Fields(line)), " "); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
