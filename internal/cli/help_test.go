package cli

import (
	"strings"
	"testing"
)

func TestHelp(t *testing.T) {
	status, out, errs := run(t, "--help")
	if status != OK || errs != "" {
		t.Fatalf("status %d, %q", status, errs)
	}
	const want = `Usage: gtest [options] DEST
       gtest -l [options]
Tests what the commands share.
What
  -l, --listen      Listen               -u, --udp         UDP
  -p, --port PORT   Source port          -e, --exec CMD    Run CMD
  --tls-ca FILE     The authorities that are trusted, it's [a]: b; 50%
  -s, --source ADDR  Source address      --allow CIDR,...  Who may connect
  --shutdown write|both|none  What the end of standard input does
  --max-conns N     How many peers at once; more wait, in the order in which
                    they came, until one of those that are served has left
Time limits
  -w, --timeout D  Limit for connecting and for silence
Other
  -h, --help       Print this help       --version        Print the version
  --completion SHELL  Print a completion script: bash, zsh or fish
  -v, --verbose    Say what happens; -vv says more
  --log text|json  How -v and failures are written; json implies -v
Examples
  gtest -w 5 localhost:80                   give up after five seconds
  gtest -l                                  listen
`
	if out != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
	for _, line := range lines(out) {
		if width(line) > helpWidth {
			t.Errorf("%d columns: %s", width(line), line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("ends in blanks: %q", line)
		}
	}
}

// A text without blanks is not broken, and one in another script is counted by
// its letters.
func TestWrap(t *testing.T) {
	var b strings.Builder
	writeWrapped(&b, "  ", strings.Repeat("x", 100), 4)
	writeWrapped(&b, "", strings.Repeat("äöü ", 20)+"the end", 4)
	want := "  " + strings.Repeat("x", 100) + "\n" + strings.TrimRight(strings.Repeat("äöü ", 20), " ") + "\n      the end\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}
