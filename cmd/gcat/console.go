package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/proxy"
	"gcat/internal/tty"
)

// local returns the local side of a conversation. If standard input and output are a
// terminal, it edits lines; if standard output is one, it escapes the peer's control
// characters. With --raw, keys and bytes pass unchanged. Without a terminal it is
// stdio itself.
func (g *gcat) local() conn.Stream {
	terminal, stdio := g.terminal(), &g.stdio
	if terminal == nil && !stdio.Terminal {
		return stdio
	}
	shown := terminalStdio{stdio, tty.Around(stdio), stdio}
	if terminal != nil {
		shown.Reader, shown.Writer = terminal, terminal
	}
	if !g.Raw {
		shown.Writer = &tty.Safe{W: shown.Writer}
	}
	return shown
}

// openTerminal opens the terminal, which all conversations share, or else starts the
// meter. It returns nil if standard input or output is no terminal, or its mode cannot be
// changed; then it is used as it is.
func (g *gcat) openTerminal() (terminal *tty.Terminal) {
	if !g.RecvOnly && tty.IsTerminal(os.Stdin) && (g.Raw || g.stdio.Terminal) {
		cli.Flush()
		terminal, _ = tty.Open(os.Stdin, os.Stdout, tty.Options{Raw: g.Raw, Through: &g.stdio, Stop: cli.Stop})
	}
	if g.Progress && terminal == nil {
		tty.StartMeter(os.Stderr, cli.DirectStderr, inputSize(os.Stdin), g.tally.Total)
	}
	return terminal
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

// terminalStdio is standard input and output with a terminal. It reads through the line
// editor, and writes through it or through the writer that escapes; EOF and close are
// those of Stdio.
type terminalStdio struct {
	io.Reader
	io.Writer
	stdio *conn.Stdio
}

// Unwrap returns the standard streams below.
func (s terminalStdio) Unwrap() conn.Stream { return s.stdio }

// CloseWrite writes an incomplete character that was buffered, and closes standard
// output.
func (s terminalStdio) CloseWrite() error {
	if safe, ok := s.Writer.(*tty.Safe); ok {
		return cmp.Or(safe.Flush(), s.stdio.CloseWrite())
	}
	return s.stdio.CloseWrite()
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
		case errors.Is(err, tty.ErrInterrupt):
			return &cli.Interrupted{Signal: syscall.SIGINT}
		case errors.Is(err, io.EOF):
			return cli.Failf(cli.Local, "no password for the proxy was given")
		case err != nil:
			return cli.Failf(cli.Local, "no password for the proxy: $%s is not set, and there is no terminal to ask on", passwordVariable)
		}
	}
	p.Password = password
	return usage(p.Check())
}
