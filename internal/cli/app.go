package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"golang.org/x/term"
)

// Version is set at link time by -ldflags '-X gcat/internal/cli.Version=1.2';
// otherwise the module's own version is printed.
var Version string

// Common has the flags of all three commands; every grammar embeds it.
type Common struct {
	Help       bool `short:"h"`
	Manual     bool
	Version    bool
	Completion string `enum:",bash,zsh,fish" default:""`
	Verbose    int    `short:"v" type:"counter"`

	flags []flag // of the whole grammar
}

// Given returns the options whose values are not their defaults, by both of their names:
// "-w" and "--timeout".
func (c *Common) Given() map[string]bool {
	given := make(map[string]bool)
	for _, f := range c.flags {
		if !f.isPreset() {
			given["--"+f.name], given["-"+f.letter] = true, true
		}
	}
	return given
}

func (c *Common) common() *Common { return c }

// Logging has the flag for the format of the log.
type Logging struct {
	Log string `enum:"text,json" default:"text"`
}

// An App is a command apart from its grammar.
type App struct {
	// Name is the command's name, if it is not called by another one.
	Name string
	// Help is the text of --help: the synopses, and a line for each option. The
	// completion scripts and diagnostics use its words.
	Help string
	// Brief is the text of -h: the options that most runs need.
	Brief string
	// Manual is the text of --manual.
	Manual string
	// Foreign maps options of similar commands, such as "--ssl", to ours.
	Foreign map[string]string
}

// Main parses args into grammar (a pointer to a struct that embeds [Common]), calls
// run, writes the diagnostic of its error, and returns the exit status. For --help,
// --manual, --version and --completion it writes the text to standard output instead of
// calling run.
func (a *App) Main(grammar any, args []string, run func(*Log) error) int {
	log := &Log{Name: a.called(), Out: Stderr}
	err := a.main(grammar, args, log, run)
	if i, ok := errors.AsType[*Interrupted](err); ok {
		DieOf(i.Signal)
	}
	log.Error(a.hinted(err))
	Flush()
	return StatusOf(err)
}

func (a *App) main(grammar any, args []string, log *Log, run func(*Log) error) error {
	r := newReader(grammar)
	a.split(r, args)
	for _, w := range r.words { // an option that prints a text takes precedence over any error
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
		err = a.kong(r)
	}
	if err == nil {
		err = cmp.Or(r.checkBounds(), a.setOperands(r))
	}
	if err != nil {
		return err
	}
	common := grammar.(interface{ common() *Common }).common()
	common.flags = r.flags
	log.Level = common.Verbose
	if log.JSON {
		log.Level = max(log.Level, 1)
	}
	log.Clock = term.IsTerminal(int(os.Stderr.Fd()))
	return run(log)
}

// print writes text to standard output.
func print(text string) error {
	_, err := io.WriteString(os.Stdout, text)
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("standard output: %w", e.Err)
	}
	return err
}

// version returns the version of the link, else that of the module, else "devel", and
// the version of Go.
func version() string {
	module := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		module = strings.Trim(info.Main.Version, "()")
	}
	return cmp.Or(Version, module, "devel") + " (" + runtime.Version() + ")"
}
