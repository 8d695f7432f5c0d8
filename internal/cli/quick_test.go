package cli

import (
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// plainLines are read without kong, doubtful ones are left to it.
var (
	plainLines = []string{
		"", "host", "-l", "-lu host", "-w5 host", "-w 5 host", "-lw500ms", "--timeout 2m", "--timeout=2m -vvv", "-vv -v",
		"-p 80", "-p80", "-e cat host", "--shutdown both", "--allow 10.0.0.0/8", "--max-conns 7 x", "--log json", "--help", "-h", "--version -l",
		"-s \xff\xfe", "\xe9\U0010fe80", "\uFFFD", "host -e \xff", "host -l",
	}
	doubtfulLines = []string{
		"--nope", "-z", "a b", "-w", "-w x", "-w -5", "-p 0x50", "-p 080", "-w=5", "--listen=true", "-l=true", "--", "-- -x", "-", "-5",
		"--shutdown sideways", "--allow 10.0.0.0/8,127.0.0.1", "--allow a --allow b", "-w 1 -w 2", "--completion bash", "--log xml", "-p 99999999999",
	}
)

func TestQuickAgreesWithKong(t *testing.T) {
	for i, lines := range [][]string{plainLines, doubtfulLines} {
		for _, line := range lines {
			difference, quick := testApp.Disagreement(func() any { return new(grammar) }, strings.Fields(line))
			if difference != "" {
				t.Errorf("%q: %s", line, difference)
			}
			if quick != (i == 0) {
				t.Errorf("%q: read without kong: %v", line, quick)
			}
		}
	}
}

// FuzzQuick holds the two to each other on any command line.
func FuzzQuick(f *testing.F) {
	for _, line := range append(plainLines, doubtfulLines...) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if difference, _ := testApp.Disagreement(func() any { return new(grammar) }, strings.Split(line, " ")); difference != "" {
			t.Errorf("%q: %s", line, difference)
		}
	})
}

// TestQuickKeepsWhatIsNoFlag is about what a command puts into its grammar
// itself, before the command line is read.
func TestQuickKeepsWhatIsNoFlag(t *testing.T) {
	type own struct {
		grammar
		state *int
	}
	g := own{state: new(int)}
	g.Port = 5
	if _, ok := testApp.quick(&g, []string{"-l"}); !ok || g.state == nil || !g.Listen || g.Port != 0 {
		t.Errorf("%v: %+v", ok, g)
	}
}

func TestQuickLeavesTheGrammarAlone(t *testing.T) {
	var g grammar
	if _, ok := testApp.quick(&g, []string{"-lu", "--nope"}); ok || !reflect.DeepEqual(g, grammar{}) {
		t.Errorf("%v: %+v", ok, g)
	}
}

// TestSketchIsUnsure holds the sketch to declining what it does not know.
func TestSketchIsUnsure(t *testing.T) {
	for _, g := range []any{
		&struct {
			Env string `env:"HOME"`
		}{},
		&struct {
			Text string `help:"${version}"`
		}{},
		&struct {
			*grammar
		}{},
	} {
		if testApp.sketch(g) != nil {
			t.Errorf("a sketch of %T", g)
		}
	}
}

func TestHyphenatedIsKongs(t *testing.T) {
	type names struct {
		ConnectTimeout, TLSALPN, ProxyURL, X, IPv4, RcvBuf, Mode2, SHA256Sum, UDP bool
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
