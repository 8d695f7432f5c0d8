package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"gcat/internal/cli"
	"gcat/internal/errno"
	"gcat/internal/pack"
)

// output opens the output of records: standard output, or the file of -w at the offset
// of -s, as in struct.pack_into.
func (g *gpack) output() (*os.File, error) {
	if g.Write == "" {
		enlarge(os.Stdout)
		return os.Stdout, nil
	}
	flags := os.O_WRONLY | os.O_CREATE
	if g.Skip < 0 {
		flags = os.O_WRONLY // a new file has no last bytes
	}
	file, err := os.OpenFile(g.Write, flags, 0o666)
	if err != nil {
		return nil, outputError(g.Write, err)
	}
	if g.Skip > 0 {
		_, err = file.Seek(int64(g.Skip), io.SeekStart)
	} else if g.Skip < 0 {
		_, err = skipToLast(file, file, int64(-g.Skip))
	}
	if err != nil {
		file.Close()
		return nil, outputError(g.Write, err)
	}
	return file, nil
}

// close closes the file of -w: some file systems report only then that they are full.
func (g *gpack) close(out *os.File) error {
	if g.Write == "" {
		return nil
	}
	return outputError(g.Write, out.Close())
}

// outputError names the output that failed; "" is standard output.
func outputError(name string, err error) error {
	if err == nil {
		return nil
	}
	where := "standard output"
	if name != "" {
		where = strconv.Quote(name)
	}
	return &cli.Error{Status: cli.Local, Err: fmt.Errorf("%s: %w", where, plainError{err})}
}

// failure turns an error of internal/pack into a diagnostic. where names the input; it
// is empty if there is only one.
func (g *gpack) failure(where string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*pack.WriteError](err); ok {
		return outputError(g.Write, e)
	}
	if _, ok := errors.AsType[*pack.DataError](err); !ok {
		return cli.Failf(cli.Local, "%s: %s", cmp.Or(where, "standard input"), words(err))
	}
	if where != "" {
		return cli.Failf(cli.Local, "%s: %w", where, err)
	}
	return cli.WithStatus(cli.Local, err)
}

// plainError shows an error in the system's words and can be unwrapped.
type plainError struct{ err error }

func (e plainError) Error() string { return words(e.err) }
func (e plainError) Unwrap() error { return e.err }

// words are the system's own for err.
func words(err error) string {
	err = errno.Posix(err)
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Words(number)
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return err.Error()
}

// table aligns the rows of a layout: numbers to the right, the rest to the left.
func table(rows []pack.Row) string {
	rows = append([]pack.Row{{Offset: "offset", Size: "size", Code: "code", Name: "name"}}, rows...)
	offset, size, code := 0, 0, 0
	for _, r := range rows {
		offset, size, code = max(offset, len(r.Offset)), max(size, len(r.Size)), max(code, len(r.Code))
	}
	var b strings.Builder
	for _, r := range rows {
		line := fmt.Sprintf("%*s  %*s  %-*s  %s", offset, r.Offset, size, r.Size, code, r.Code, r.Name)
		b.WriteString(strings.TrimRight(line, " "))
		b.WriteByte('\n')
	}
	return b.String()
}
