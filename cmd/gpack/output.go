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

// output has records written to standard output, or to the file of -w at the offset of -s,
// as in struct.pack_into; in is what they are made of, if it is a file.
func (g *gpack) output(in *os.File, write func(io.Writer) (pack.Counts, error)) (pack.Counts, error) {
	out, err := os.Stdout, error(nil)
	if g.Write != "" {
		out, err = g.open()
	} else {
		enlarge(out)
	}
	if err != nil {
		return pack.Counts{}, outputError(g.Write, err)
	}
	var count pack.Counts
	if in != nil {
		err = refuseSame(in, out, "standard input")
	}
	if err == nil {
		count, err = write(out)
		err = g.failure("", err)
	}
	if g.Write != "" { // some file systems report only then that they are full
		err = cmp.Or(err, outputError(g.Write, out.Close()))
	}
	return count, err
}

// open opens the file of -w.
func (g *gpack) open() (*os.File, error) {
	flags := os.O_WRONLY | os.O_CREATE
	if g.Skip < 0 {
		flags = os.O_WRONLY // a new file has no last bytes
	}
	file, err := os.OpenFile(g.Write, flags, 0o666)
	if err != nil {
		return nil, err
	}
	if g.Skip > 0 {
		_, err = file.Seek(int64(g.Skip), io.SeekStart)
	} else if g.Skip < 0 {
		_, err = skipToLast(file, file, int64(-g.Skip))
	}
	if err != nil {
		file.Close()
	}
	return file, err
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
	return &pack.WriteError{Err: fmt.Errorf("%s: %s", where, words(err))}
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
	if e, ok := errors.AsType[*pack.DataError](err); !ok || e.More {
		return cli.Failf(cli.Local, "%s: %s", cmp.Or(where, "standard input"), words(err))
	}
	if where != "" {
		return cli.Failf(cli.Local, "%s: %w", where, err)
	}
	return err
}

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
