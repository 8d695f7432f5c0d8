//go:build linux

// Bench compares the commands of this module with the programs that do the same
// job, as a user would run them: whole processes, built binaries, nothing
// imported from the packages under measurement.
//
//	go run ./internal/bench [gcat|gecho|gpack] [-runs N] [-bytes SIZE] [-only CELL] [-json]
//	go run ./internal/bench ends
//
// A subject (benches, below) is one command and its cells. A [Cell] is one
// question, and its contenders, ours first, are the programs that answer it.
// They run one after another within a round, in a different order each round, so
// that what else the machine does falls on all of them; what is compared is the
// median over the rounds of each round's ratio (compare.go). The bounds that the
// project has set itself are printed as information (bound.go): a figure below
// one fails nothing here.
//
// The binaries are built first, then bench runs itself again in a network
// namespace of its own, where it may choose the congestion control
// (namespace.go). Sinks and sources are bench itself, started as "bench role
// NAME" (role.go): they move bytes as a C program would, without copying them,
// so that the program under measurement is the bottleneck.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// A subject is a command that is measured.
type subject struct {
	name string
	// binaries are the commands of this module that it needs.
	binaries []string
	// cells returns what is to be measured, given the binaries.
	cells func(*Bench) []Cell
}

var benches = []subject{
	{"gcat", []string{"gcat"}, gcatCells},
	{"gpack", []string{"gpack"}, gpackCells},
	{name: "ends", binaries: []string{"gcat"}},
}

// Bench is one invocation: what was asked for, and where things are.
type Bench struct {
	// Runs is the number of rounds of a cell.
	Runs int
	// Bytes is how much a cell moves at a time.
	Bytes int64
	// Only picks cells by the beginning of their names; empty is all.
	Only string
	// JSON prints an object instead of tables.
	JSON bool
	// Dir holds the binaries and whatever files the cells need. It is removed at
	// the end.
	Dir string
	// Context ends when the user interrupts.
	Context context.Context

	subject subject
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "role" {
		play(os.Args[2:])
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b, err := parse(os.Args[1:], os.Stderr)
	if err == flag.ErrHelp {
		return
	}
	if err == nil {
		b.Context = ctx
		err = b.main(os.Stdout)
	}
	if err != nil {
		if err != errSaid {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		os.Exit(1)
	}
}

// parse reads the command line. The subject may stand before or after the flags.
func parse(args []string, usage io.Writer) (*Bench, error) {
	b := &Bench{Bytes: 256 << 20, subject: benches[0]}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.IntVar(&b.Runs, "runs", 5, "rounds of each cell")
	flags.Func("bytes", "how much a cell moves at a time (default 256M)", func(s string) (err error) {
		b.Bytes, err = size(s)
		return err
	})
	flags.StringVar(&b.Only, "only", "", "only the cells whose names begin so")
	flags.BoolVar(&b.JSON, "json", false, "print JSON")
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			break
		}
		s, ok := find(flags.Arg(0))
		if !ok {
			return nil, fmt.Errorf("no bench %q", flags.Arg(0))
		}
		b.subject = s
		args = flags.Args()[1:]
	}
	if b.Runs < 1 || b.Bytes < 1 {
		return nil, fmt.Errorf("-runs and -bytes must be at least 1")
	}
	return b, nil
}

func find(name string) (subject, bool) {
	for _, s := range benches {
		if s.name == name {
			return s, true
		}
	}
	return subject{}, false
}

// size reads a number of bytes: 4096, 64K, 8M, 1G, in powers of 1024.
func size(s string) (int64, error) {
	shift := 0
	for i, unit := range []string{"K", "M", "G"} {
		if strings.HasSuffix(s, unit) {
			s, shift = strings.TrimSuffix(s, unit), 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 || n<<shift>>shift != n {
		return 0, fmt.Errorf("not a size: %q", s)
	}
	return n << shift, nil
}

// main builds, enters the namespace, measures and reports.
func (b *Bench) main(out io.Writer) error {
	if dir := os.Getenv(insideEnv); dir != "" {
		b.Dir = dir
		return b.measure(out)
	}
	var err error
	if b.Dir, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	defer os.RemoveAll(b.Dir)
	for _, name := range b.subject.binaries {
		if err := b.build(name); err != nil {
			return err
		}
	}
	if b.subject.cells == nil { // no speed, no namespace
		return b.ends(out)
	}
	if err, entered := b.reexec(out); entered {
		return err
	}
	return b.measure(out)
}

// measure goes through the cells, each of which is reported when it is done.
func (b *Bench) measure(out io.Writer) error {
	r := reporter{out: out, json: b.JSON}
	r.begin(b.conditions())
	any := false
	for _, c := range b.subject.cells(b) {
		if !strings.HasPrefix(c.Name, b.Only) {
			continue
		}
		any = true
		result := c.compare(b.Context, b.Runs)
		if err := b.Context.Err(); err != nil {
			return err
		}
		r.cell(result)
	}
	if !any {
		return fmt.Errorf("no cell begins with %q", b.Only)
	}
	return r.end()
}
