package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/term"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/proxy"
)

// passwordVariable is where a proxy's password is looked for before it is
// asked for: not on the command line, which every process can read.
const passwordVariable = "GCAT_PROXY_PASSWORD"

// askPassword finds the proxy's password, if there is a user to have one.
func (g *gcat) askPassword(ctx context.Context) error {
	p := g.via
	if p == nil || p.User == "" || p.Scheme == proxy.SOCKS4 || p.Scheme == proxy.SOCKS4a {
		return nil
	}
	password, given := os.LookupEnv(passwordVariable)
	if !given {
		var err error
		password, err = readPassword(ctx, fmt.Sprintf("password of %q at proxy %s: ", p.User, p.Addr()))
		if err != nil {
			return err
		}
	}
	p.Password = password
	return usage(p.Check())
}

// readPassword asks on the terminal. Nothing echoes from before the
// question until after the answer, or until a signal ends the question.
func readPassword(ctx context.Context, prompt string) (string, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", cli.Failf(cli.Local, "no password for the proxy: $%s is not set, and there is no terminal to ask on", passwordVariable)
	}
	defer tty.Close()
	fd := int(tty.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", cli.Failf(cli.Local, "/dev/tty: %s", conn.Words(err))
	}
	defer func() {
		_ = term.Restore(fd, before) // the terminal may have gone
	}()
	keys := &keyboard{File: tty}
	type answer struct {
		password string
		err      error
	}
	answered := make(chan answer, 1)
	go func() { // ends with the process if no answer comes
		password, err := term.NewTerminal(keys, "").ReadPassword(prompt)
		answered <- answer{password, err}
	}()
	select {
	case a := <-answered:
		if a.err == nil {
			return a.password, nil
		}
		_, _ = tty.WriteString("\r\n")
		if keys.interrupted {
			return "", &cli.Interrupted{Signal: syscall.SIGINT}
		}
		return "", cli.Failf(cli.Local, "no password for the proxy was given")
	case <-ctx.Done():
		_, _ = tty.WriteString("\r\n")
		return "", context.Cause(ctx)
	}
}

// A keyboard is a terminal in raw mode, where ^C is a key like the others.
type keyboard struct {
	*os.File
	interrupted bool
}

func (k *keyboard) Read(p []byte) (int, error) {
	n, err := k.File.Read(p)
	k.interrupted = k.interrupted || bytes.IndexByte(p[:n], 3) >= 0
	return n, err
}
