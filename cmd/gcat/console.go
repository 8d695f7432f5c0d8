package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/proxy"
	"gcat/internal/tty"
)

// A console is the terminal, which all conversations share. What [cli.Stderr] writes is
// shown by it, so that the lines of the log, and of a hex dump on standard error, disturb
// neither the line that is being typed nor the meter.
type console struct {
	open     sync.Once
	terminal atomic.Pointer[tty.Terminal] // nil: standard input or output is not a terminal
	meter    atomic.Pointer[tty.Meter]    // nil: none
}

// local returns the local side of a conversation. If standard input and output are a
// terminal, it edits lines; if standard output is one, it escapes the peer's control
// characters. With --raw, keys and bytes pass unchanged. Without a terminal it is
// stdio itself.
func (g *gcat) local() conn.Stream {
	g.console.open.Do(g.openConsole)
	terminal, meter, stdio := g.console.terminal.Load(), g.console.meter.Load(), &g.stdio
	switch {
	case terminal != nil:
		return terminalStdio{stdio, terminal, terminal}
	case !stdio.Terminal:
		return stdio
	case g.Raw:
		return terminalStdio{stdio, stdio, meter.Around(stdio)}
	}
	return terminalStdio{stdio, stdio, &tty.Safe{W: meter.Around(stdio)}}
}

// openConsole opens the terminal and starts the meter, at the first conversation. If the
// mode of the terminal cannot be changed, it is used as it is.
func (g *gcat) openConsole() {
	var terminal *tty.Terminal
	if !g.RecvOnly && tty.IsTerminal(os.Stdin) && (g.Raw || g.stdio.Terminal) {
		cli.Flush()
		terminal, _ = tty.Open(os.Stdin, os.Stdout, tty.Options{
			Raw: g.Raw, Through: &g.stdio, Stop: cli.Stop,
		})
	}
	g.console.terminal.Store(terminal)
	if g.Progress && terminal == nil {
		meter := tty.NewMeter(os.Stderr, cli.DirectStderr, inputSize(os.Stdin), g.tally.Total)
		meter.Start()
		g.console.meter.Store(meter)
	}
}

// inputSize returns the number of unread bytes in f if it is a regular file, else 0.
func inputSize(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0
	}
	return max(0, info.Size()-at)
}

// restore restores the terminal, erases the line that is being typed, and removes the
// meter.
func (c *console) restore() {
	c.meter.Load().Stop()
	tty.Restore()
}

// show writes lines to standard error. It blocks while ^S has stopped the terminal.
func (c *console) show(lines []byte) (int, error) {
	if terminal := c.terminal.Load(); terminal != nil && tty.IsTerminal(os.Stderr) {
		return len(lines), terminal.Notice(lines, cli.DirectStderr)
	}
	return c.meter.Load().Around(cli.DirectStderr).Write(lines)
}

// terminalStdio is standard input and output with a terminal. It reads through the line
// editor, and writes through it or through the writer that escapes; EOF and close are
// those of Stdio.
type terminalStdio struct {
	*conn.Stdio
	from io.Reader
	to   io.Writer
}

// Unwrap returns the standard streams below.
func (s terminalStdio) Unwrap() conn.Stream { return s.Stdio }

func (s terminalStdio) Read(p []byte) (int, error)  { return s.from.Read(p) }
func (s terminalStdio) Write(p []byte) (int, error) { return s.to.Write(p) }

// CloseWrite writes an incomplete character that was buffered, and closes standard
// output.
func (s terminalStdio) CloseWrite() error {
	if to, ok := s.to.(interface{ Flush() error }); ok {
		return cmp.Or(to.Flush(), s.Stdio.CloseWrite())
	}
	return s.Stdio.CloseWrite()
}

// passwordVariable has the proxy's password. There is no option for it, because every
// process can read a command line. Without the variable the user is asked.
const passwordVariable = "GCAT_PROXY_PASSWORD"

// askPassword sets the proxy's password, if the proxy has a user name.
func (g *gcat) askPassword(ctx context.Context) error {
	p := g.via
	if p == nil || p.User == "" || p.Scheme == proxy.SOCKS4 || p.Scheme == proxy.SOCKS4a {
		return nil
	}
	password, given := os.LookupEnv(passwordVariable)
	if !given {
		var err error
		password, err = tty.ReadPassword(ctx, fmt.Sprintf("password of %q at proxy %s: ", p.User, p.Addr()), cli.Stop)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, tty.ErrNoTerminal):
			return cli.Failf(cli.Local, "no password for the proxy: $%s is not set, and there is no terminal to ask on", passwordVariable)
		case errors.Is(err, tty.ErrInterrupt):
			return &cli.Interrupted{Signal: syscall.SIGINT}
		case err != nil:
			return cli.Failf(cli.Local, "no password for the proxy was given")
		}
	}
	p.Password = password
	return usage(p.Check())
}
