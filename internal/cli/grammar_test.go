package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// grammar is the grammar of the tests: it has every kind of flag that the commands
// have.
type grammar struct {
	Common
	Logging
	Listen  bool     `short:"l"`
	Udp     bool     `short:"u"`
	Timeout Duration `short:"w"`
	Port    int      `short:"p"`
	TlsCA   string   `name:"tls-ca"`
	Exec    string   `short:"e"`
	Source  string   `short:"s"`
	How     string   `name:"shutdown" enum:"write,both,none" default:"write"`
	Allow   []string
	Max     int `name:"max-conns"`

	Dest string `arg:"" optional:""`
}

var testApp = &App{Name: "gtest", Brief: "-l, --listen\n", Help: `Usage: gtest [options] DEST
       gtest -l [options]

What
  -l, --listen        Listen
  -u, --udp           UDP
  -w, --timeout D     Limit for connecting and for silence
  -p, --port PORT     Source port
  --tls-ca FILE       The authorities that are trusted, it's [a]: b; 50%
  -e, --exec CMD      Run CMD
  -s, --source ADDR   Source address
  --shutdown write|both|none  What the end of standard input does
  --allow CIDR,...    Who may connect
  --max-conns N       How many peers at once; --allow says who
  -v, --verbose       Say what happens
  --log text|json     How
  -h                  Print what most runs need
  --help              Print all
  --version           Print the version
  --completion SHELL  Print a completion script
`}

// run gives args to the test grammar, as main does, and returns the status and
// what is written.
func run(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var errs bytes.Buffer
	out := capture(t, func() {
		log := &Log{Name: testApp.Name, Out: &errs}
		err := testApp.main(new(grammar), args, log, func(*Log) error { return nil })
		log.Error(err)
		status = StatusOf(err)
	})
	return status, out, errs.String()
}

// capture returns what f writes to standard output.
func capture(t *testing.T, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan []byte, 1)
	go func() { b, _ := io.ReadAll(r); got <- b }()
	before := os.Stdout
	os.Stdout = w
	f()
	os.Stdout = before
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return string(<-got)
}

// peer is the path of another program that the test talks to. Without it the
// test is skipped, or fails where every peer has to be there.
func peer(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) && os.Getenv("GCAT_REQUIRE_PEERS") == "" {
		t.Skipf("no %s here", name)
	} else if err != nil {
		t.Fatal(err)
	}
	return path
}

func lines(s string) []string { return strings.Split(strings.TrimSuffix(s, "\n"), "\n") }

func TestMain(m *testing.M) {
	fuzzing := func(arg string) bool { return strings.HasPrefix(arg, "-test.fuzz=") }
	if !slices.ContainsFunc(os.Args, fuzzing) { // fuzzing starts os.Args[0] again
		os.Args[0] = testApp.Name
	}
	os.Exit(m.Run())
}
