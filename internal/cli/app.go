package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	_ "gcat/internal/stack" // before anything else is initialised
)

// Version is set at link time by -ldflags '-X gcat/internal/cli.Version=1.2';
// otherwise the module's own version is printed.
var Version string

// Common holds the flags of all three commands; every grammar embeds it.
type Common struct {
	Help       bool   `short:"h" help:"Print this help." group:"other"`
	Version    bool   `help:"Print the version." group:"other"`
	Completion string `help:"Print a completion script: bash, zsh or fish." placeholder:"SHELL" group:"other"`
	Verbose    int    `short:"v" type:"counter" help:"Say what happens; -vv says more." group:"other"`
}

func (c *Common) common() *Common { return c }

// Logging holds the log's format, for the grammars that have one.
type Logging struct {
	Log string `enum:"text,json" default:"text" placeholder:"text|json" help:"How -v and failures are written; json implies -v." group:"other"`
}

func (l *Logging) format() string { return l.Log }

// An App is what a command is apart from its grammar.
type App struct {
	// Name is the command's name.
	Name string
	// Summary says in a sentence what it does.
	Summary string
	// Synopsis holds the command lines it takes, without "Usage:".
	Synopsis []string
	// Groups are the headings under which --help lists the flags.
	Groups []Group
	// Examples are pairs of a command line and what it does.
	Examples [][2]string
	// Help is the text of --help, as [App.Layout] makes it of the grammar: kept as
	// text, for that takes as long as all else that --help does after the start.
	// Empty, it is made each time.
	Help string
}

// A Group is a heading of --help; flags join it by the tag group:"KEY".
type Group struct{ Key, Title string }

// Main parses args into grammar (a pointer to a struct that embeds [Common]),
// runs run, prints the diagnostic of the error it returns and returns the exit
// status. --help, --version and --completion are answered on standard output
// without calling run.
func (a *App) Main(grammar any, args []string, run func(*Log) error) int {
	if !term.IsTerminal(int(os.Stdin.Fd())) { // else internal/tty catches them, to restore the terminal
		DieSilently(useless...)
	}
	log := &Log{Name: a.Name, Out: os.Stderr}
	err := a.main(grammar, args, log, run)
	if i, ok := errors.AsType[*Interrupted](err); ok {
		DieOf(i.Signal)
	}
	log.Error(err)
	return StatusOf(err)
}

func (a *App) main(grammar any, args []string, log *Log, run func(*Log) error) error {
	if a.Help != "" && len(args) == 1 && (args[0] == "--help" || args[0] == "-h") {
		return a.answer(nil, &Common{Help: true})
	}
	common := grammar.(interface{ common() *Common }).common()
	model, ok := a.quick(grammar, args)
	if !ok {
		parser, err := a.parser(grammar)
		if err != nil {
			return Failf(Usage, "%v", err)
		}
		model = parser.Model
		missing := missingValue(model, args)
		args = operandsLast(model, args)
		err = parse(parser, grammar, args)
		if missing != nil && !common.Help && !common.Version {
			log.JSON = wantsJSON(grammar, args)
			return missing
		}
		if err != nil && !common.asks() {
			log.JSON = wantsJSON(grammar, args)
			return a.usageError(model, args, err)
		}
	}
	if common.asks() {
		return a.answer(model, common)
	}
	log.Level = common.Verbose
	if l, ok := grammar.(interface{ format() string }); ok && l.format() == "json" {
		log.JSON, log.Level = true, max(log.Level, 1)
	}
	log.Clock = term.IsTerminal(int(os.Stderr.Fd()))
	return run(log)
}

// wantsJSON reports whether a command line that makes no sense asks for a log in
// JSON all the same: kong need not have come as far as that flag.
func wantsJSON(grammar any, args []string) bool {
	if _, ok := grammar.(interface{ format() string }); !ok {
		return false
	}
	for i, arg := range args {
		if arg == "--log=json" || arg == "json" && i > 0 && args[i-1] == "--log" {
			return true
		}
	}
	return false
}

// parser builds kong's parser of grammar.
func (a *App) parser(grammar any) (*kong.Kong, error) {
	groups := make([]kong.Group, 0, len(a.Groups))
	for _, g := range a.Groups {
		groups = append(groups, kong.Group{Key: g.Key, Title: g.Title})
	}
	return kong.New(grammar, kong.Name(a.Name), kong.NoDefaultHelp(),
		kong.ExplicitGroups(groups), kong.WithHyphenPrefixedParameters(true),
		kong.Writers(io.Discard, io.Discard))
}

// asks reports whether --help, --version or --completion is there. They win
// over any other mistake on the command line.
func (c *Common) asks() bool { return c.Help || c.Version || c.Completion != "" }

// answer prints what --help, --version or --completion ask for.
func (a *App) answer(model *kong.Application, c *Common) error {
	var text string
	var err error
	switch {
	case c.Help && a.Help != "":
		text = a.Help
	case c.Help:
		text = a.help(model)
	case c.Version:
		text = a.Name + " " + version() + "\n"
	default:
		text, err = a.completion(model, c.Completion)
	}
	if err == nil {
		_, err = io.WriteString(os.Stdout, text)
	}
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

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }
