package cli

import (
	"errors"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/term"
)

// Version is set at link time by -ldflags '-X gcat/internal/cli.Version=1.2';
// otherwise the module's own version is printed.
var Version string

// Common holds the flags of all three commands; every grammar embeds it. Those
// that ask for a text are answered before the grammar is read.
type Common struct {
	Help       bool `short:"h"`
	Manual     bool
	Version    bool
	Completion string
	Verbose    int `short:"v" type:"counter"`
}

func (c *Common) common() *Common { return c }

// Logging holds the log's format, for the grammars that have one.
type Logging struct {
	Log string `enum:"text,json" default:"text"`
}

// An App is what a command is apart from its grammar.
type App struct {
	// Name is the command's name, unless it is called by another one.
	Name string
	// Help is what --help prints: the command lines it takes, and each option on
	// a line. The completion scripts and the diagnostics take their words from it.
	Help string
	// Brief is what -h prints: the options that most runs need.
	Brief string
	// Manual is what --manual prints.
	Manual string
	// Habits are options of similar commands, "--ssl" or "-k", and what they are
	// here.
	Habits map[string]string
}

// Main parses args into grammar (a pointer to a struct that embeds [Common]),
// runs run, prints the diagnostic of the error it returns and returns the exit
// status. --help, --version and --completion are answered on standard output
// without calling run.
func (a *App) Main(grammar any, args []string, run func(*Log) error) int {
	if !term.IsTerminal(int(os.Stdin.Fd())) { // else the command catches some of them, to restore the terminal
		DieSilently(useless...)
	}
	log := &Log{Name: a.called(), Out: Stderr, late: standardError}
	err := a.main(grammar, args, log, run)
	if i, ok := errors.AsType[*Interrupted](err); ok {
		DieOf(i.Signal)
	}
	log.Error(a.hinted(err))
	log.end()
	return StatusOf(err)
}

func (a *App) main(grammar any, args []string, log *Log, run func(*Log) error) error {
	r := newReader(grammar)
	a.split(r, args)
	for _, w := range r.words { // one that asks for a text wins over any mistake
		switch {
		case w.name == "log":
			log.JSON = w.value == "json"
		case w.name == "help" && w.typed == "-h":
			return print(a.renamed(a.Brief))
		case w.name == "help":
			return print(a.renamed(a.Help))
		case w.name == "manual":
			return print(a.renamed(a.Manual))
		case w.name == "version":
			return print(a.called() + " " + version() + "\n")
		case w.name == "completion":
			return a.complete(r, w.value)
		}
	}
	if r.wrong != nil {
		return r.wrong
	}
	ok, err := r.set()
	if err == nil && !ok {
		err = a.kong(grammar, r)
	}
	if err == nil {
		err = a.setOperands(r)
	}
	if err != nil {
		return err
	}
	log.Level = grammar.(interface{ common() *Common }).common().Verbose
	if log.JSON {
		log.Level = max(log.Level, 1)
	}
	log.Clock = term.IsTerminal(int(os.Stderr.Fd()))
	return run(log)
}

// print writes what was asked for to standard output.
func print(text string) error {
	_, err := io.WriteString(os.Stdout, text)
	return err
}

// version is the link-time version, else the module's, else "devel", and
// always the toolchain's.
func version() string {
	v, tool := Version, ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if v == "" {
			v = strings.Trim(info.Main.Version, "()")
		}
		tool = " (" + info.GoVersion + ")"
	}
	if v == "" {
		v = "devel"
	}
	return v + tool
}
