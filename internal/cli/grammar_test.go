package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// grammar is what the tests of this package parse: every sort of flag that the
// commands have.
type grammar struct {
	Common
	Logging
	Listen  bool     `short:"l" group:"main" help:"Listen."`
	Udp     bool     `name:"udp" short:"u" group:"main" help:"UDP."`
	Timeout Duration `short:"w" placeholder:"D" group:"time" help:"Limit for connecting and for silence."`
	Port    int      `short:"p" placeholder:"PORT" group:"main" help:"Source port."`
	TlsCA   string   `name:"tls-ca" placeholder:"FILE" group:"main" help:"The authorities that are trusted, it's [a]: b; 50%."`
	Exec    string   `short:"e" placeholder:"CMD" group:"main" help:"Run CMD."`
	Source  string   `short:"s" placeholder:"ADDR" group:"main" help:"Source address."`
	How     string   `name:"shutdown" enum:"write,both,none" default:"write" group:"main" help:"What the end of standard input does."`
	Allow   []string `placeholder:"CIDR,..." group:"main" help:"Who may connect."`
	Max     int      `name:"max-conns" placeholder:"N" group:"main" help:"How many peers at once; more wait, in the order in which they came, until one of those that are served has left."`
	Secret  bool     `hidden:"" help:"Not shown."`

	Dest string `arg:"" optional:""`
}

var testApp = &App{
	Name: "gtest", Summary: "Tests what the commands share.",
	Synopsis: []string{"gtest [options] DEST", "gtest -l [options]"},
	Groups:   []Group{{"main", "What"}, {"time", "Time limits"}, {"other", "Other"}},
	Examples: [][2]string{{"gtest -w 5 localhost:80", "give up after five seconds"}, {"gtest -l", "listen"}},
}

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
