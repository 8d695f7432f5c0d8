package cli

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// plainLines are read without kong, doubtful ones are left to it.
var (
	plainLines = []string{
		"", "host", "-l", "-lu host", "-w5 host", "-w 5 host", "-lw500ms", "--timeout 2m", "--timeout=2m -vvv", "-vv -v",
		"-p 80", "-p80", "-e cat host", "--shutdown both", "--allow 10.0.0.0/8", "--max-conns 7 x", "--log json",
		"-s \xff\xfe", "\xe9\U0010fe80", "\uFFFD", "host -e \xff", "host -l", "-w -5", "-", "-- -x", "--", "--source=",
	}
	doubtfulLines = []string{
		"-p 0x50", "-p 080", "--listen=true", "--verbose=2", "--allow 10.0.0.0/8,127.0.0.1", "--allow a --allow b", "-w 1 -w 2",
		"-p 0x50 -e \xff", "--shutdown=sideways", "-p 99999999999", "--log xml",
	}
)

// both reads line twice, and reports whether kong was needed.
func both(t *testing.T, line string) (doubtful bool) {
	t.Helper()
	args := strings.Split(line, " ")
	read := func(g *grammar, plain bool) (ok bool, err error) {
		r := newReader(g)
		if testApp.split(r, args); r.wrong != nil {
			return true, r.wrong
		}
		if ok, err = r.set(); err == nil && (!ok || !plain) {
			err = testApp.kong(r)
		}
		if err == nil {
			err = testApp.setOperands(r)
		}
		return ok, err
	}
	var fast, slow grammar
	ok, fastErr := read(&fast, true)
	_, slowErr := read(&slow, false)
	switch {
	case (fastErr == nil) != (slowErr == nil):
		t.Errorf("%q: %v; kong: %v", line, fastErr, slowErr)
	case fastErr == nil && !reflect.DeepEqual(fast, slow):
		t.Errorf("%q: %+v\nkong: %+v", line, fast, slow)
	}
	return !ok
}

func TestReaderAgreesWithKong(t *testing.T) {
	for _, line := range plainLines {
		if both(t, line) {
			t.Errorf("%q is left to kong", line)
		}
	}
	for _, line := range doubtfulLines {
		if !both(t, line) {
			t.Errorf("%q is not left to kong", line)
		}
	}
}

// FuzzReader holds the two to each other on any command line.
func FuzzReader(f *testing.F) {
	for _, line := range append(plainLines, doubtfulLines...) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) { both(t, line) })
}

// Options may stand anywhere; an argument after "--" is not an option.
func TestSplit(t *testing.T) {
	for line, want := range map[string]string{
		"":                      " | ",
		"host -l":               "-l | host",
		"host -w 5 80":          "-w 5 | host 80",
		"host -lw 5 80 -v":      "-l -w 5 -v | host 80",
		"host -w5 80":           "-w 5 | host 80",
		"host -w=5 80":          "-w =5 | host 80",
		"host --timeout=5 80":   "--timeout 5 | host 80",
		"host --timeout -5 80":  "--timeout -5 | host 80",
		"a -l b -- -c -v":       "-l | a b -c -v",
		"a - -l":                "-l | a -",
		"-e -w":                 "-e -w | ",
		"--exec=--timeout -e-w": "--exec --timeout -e -w | ",
	} {
		r := newReader(new(grammar))
		testApp.split(r, strings.Fields(line))
		var got []string
		for _, w := range r.words {
			got = append(got, w.typed)
			if w.valued {
				got = append(got, w.value)
			}
		}
		if got := strings.Join(got, " ") + " | " + strings.Join(r.rest, " "); got != want || r.wrong != nil {
			t.Errorf("%q: %q, %v; want %q", line, got, r.wrong, want)
		}
	}
}

// Where the first operand ends the options, every later argument is an operand.
func TestLeadingOperand(t *testing.T) {
	var g struct {
		Common
		Format string   `arg:"" passthrough:"partial"`
		Args   []string `arg:"" optional:""`
	}
	for line, want := range map[string][]string{
		"-v h -1": {"h", "-1"}, "-- h -1": {"h", "-1"}, "h -- 5": {"h", "--", "5"}, "-- -- h": {"--", "h"}, "h -v --help": {"h", "-v", "--help"},
	} {
		r := newReader(&g)
		testApp.split(r, strings.Fields(line))
		if err := testApp.setOperands(r); err != nil || !slices.Equal(append([]string{g.Format}, g.Args...), want) {
			t.Errorf("%q: %q %q, %v", line, g.Format, g.Args, err)
		}
	}
}

// The reader keeps the fields of a grammar that are not flags, and resets the others.
func TestReaderKeepsOtherFields(t *testing.T) {
	type own struct {
		grammar
		state *int
	}
	g := own{state: new(int)}
	g.Port = 5
	for _, args := range [][]string{{"-l"}, {"-l", "-w", "1", "-w", "2"}} {
		if err := testApp.main(&g, args, new(Log), func(*Log) error { return nil }); err != nil || g.state == nil || !g.Listen || g.Port != 0 {
			t.Errorf("%q: %v: %+v", args, err, g)
		}
	}
}

func TestHyphenatedIsKongs(t *testing.T) {
	type names struct {
		ConnectTimeout, TLSALPN, X, UDP, CRLF, NoRead bool
	}
	k, err := kong.New(new(names), kong.NoDefaultHelp())
	if err != nil {
		t.Fatal(err)
	}
	fields := reflect.TypeFor[names]()
	for i, f := range k.Model.Flags {
		if got := hyphenated(fields.Field(i).Name); got != f.Name {
			t.Errorf("%s is %q, kong's is %q", fields.Field(i).Name, got, f.Name)
		}
	}
}
