package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/filter"
)

// openOutput opens a file that an option writes. A standard stream by any name,
// and /dev/fd/N, is used as it is: opened anew it would be truncated, or written
// at an offset of its own, and a socket cannot be. The file that is our input is
// refused, as cat(1) refuses it.
func (g *gcat) openOutput(path string) (io.WriteCloser, error) {
	if info, err := os.Stat(path); err == nil {
		is := func(f *os.File) bool {
			standard, err := f.Stat()
			return err == nil && os.SameFile(info, standard)
		}
		switch {
		case is(os.Stderr):
			return &g.console, nil
		case is(os.Stdout):
			return duplicate(os.Stdout) // the conversation may end standard output before
		case info.Mode().IsRegular() && is(os.Stdin):
			return nil, cli.Failf(cli.Local, "%q: input file is output file", path)
		}
	}
	if n, ok := strings.CutPrefix(path, "/dev/fd/"); ok {
		if fd, err := strconv.Atoi(n); err == nil && inherited(fd) {
			return os.NewFile(uintptr(fd), path), nil
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return nil, fileError(err)
	}
	return f, nil
}

// fileError names the file that could not be used.
func fileError(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return cli.Failf(cli.Local, "%s %q: %s", e.Op, e.Path, conn.Words(e.Err))
	}
	return err
}

// openDump opens the file of the hex dump, once for all conversations.
func (g *gcat) openDump() error {
	switch g.Hexdump {
	case "":
	case "-":
		g.dump = filter.NewDump("standard error", &g.console)
	default:
		f, err := g.openOutput(g.Hexdump)
		if err != nil {
			return err
		}
		g.dump = filter.NewDump(g.Hexdump, f)
	}
	return nil
}

// closeDump closes the dump and returns err, or else how the dump has failed,
// which ended nothing before.
func (g *gcat) closeDump(err error) error {
	if g.dump == nil {
		return err
	}
	failed := g.dump.Close()
	if err == nil {
		return failed
	}
	g.log.Error(failed)
	return err
}

// ready writes to the file of --ready where the listener is.
func (g *gcat) ready(ctx context.Context, bound conn.Endpoint) error {
	if g.Ready == "" {
		return nil
	}
	return unlessEnded(ctx, func() error {
		f, err := g.openOutput(g.Ready)
		if err != nil {
			return err
		}
		_, err = io.WriteString(f, bound.Address()+"\n")
		if e := f.Close(); err == nil {
			err = e
		}
		return fileError(err)
	})
}
