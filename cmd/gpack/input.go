package main

import (
	"errors"
	"io"
	"os"
	"strconv"

	"gcat/internal/cli"
	"gcat/internal/pack"
)

// inputs converts one input after the other, standard input if none is named. As
// cat does, it goes on behind an input that fails; all failures but the last are
// told at once.
func (g *gpack) inputs(form pack.Form, convert func(io.Reader, int64) (pack.Counts, error)) (pack.Counts, error) {
	names := g.Args
	if len(names) == 0 {
		names = []string{"-"}
	}
	var total pack.Counts
	var failed []error
	where := ""
	for _, name := range names {
		limit := g.limit()
		if limit >= 0 {
			limit -= total.Records
		}
		where = "standard input"
		if name != "-" {
			where = strconv.Quote(name)
		}
		count, err := g.input(name, where, form, limit, convert)
		total.Records += count.Records
		total.Read += count.Read
		total.Written += count.Written
		if err != nil {
			failed = append(failed, err)
			if _, ok := errors.AsType[*pack.WriteError](err); ok {
				break
			}
		}
	}
	if len(failed) == 0 && g.limit() > total.Records {
		failed = append(failed, short(where, total.Records, g.limit()))
	}
	return total, joined(failed)
}

// joined makes one error of several: the first decides, the others are told as
// well.
func joined(failed []error) error {
	if len(failed) == 0 {
		return nil
	}
	for _, err := range failed[:len(failed)-1] {
		log := cli.Log{Name: app.Name, Out: os.Stderr}
		log.Error(err)
	}
	return failed[len(failed)-1]
}

// input converts one input.
func (g *gpack) input(name, where string, form pack.Form, limit int64, convert func(io.Reader, int64) (pack.Counts, error)) (pack.Counts, error) {
	file := os.Stdin
	if name != "-" {
		var err error
		if file, err = os.Open(name); err != nil {
			return pack.Counts{}, cli.Failf(cli.Local, "%s: %s", where, words(err))
		}
		defer file.Close()
	}
	if limit == 0 {
		return pack.Counts{}, nil
	}
	enlarge(file)
	enlarge(os.Stdout)
	src := pack.NewFormReader(file, form)
	if err := skip(file, src, int64(g.Skip)); err != nil {
		return pack.Counts{}, g.failure(where, err)
	}
	count, err := convert(src, limit)
	return count, g.failure(where, err)
}

// skip leaves out the first n bytes: of a regular file by seeking, of anything
// else by reading them.
func skip(file *os.File, src io.Reader, n int64) error {
	if n == 0 {
		return nil
	}
	if src == io.Reader(file) {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			at, err := file.Seek(0, io.SeekCurrent)
			if err == nil {
				if there := max(info.Size()-at, 0); there < n {
					return tooShort(n, there)
				}
				_, err = file.Seek(n, io.SeekCurrent)
			}
			if err == nil {
				return nil
			}
		}
	}
	there, err := io.CopyN(io.Discard, struct{ io.Reader }{src}, n)
	switch {
	case err == io.EOF:
		return tooShort(n, there)
	case err != nil:
		if _, ok := errors.AsType[*pack.DataError](err); ok {
			return err
		}
		return &pack.ReadError{Err: err}
	}
	return nil
}

func tooShort(n, there int64) error {
	return &pack.DataError{Why: "cannot skip " + strconv.FormatInt(n, 10) + " bytes: there are " + strconv.FormatInt(there, 10)}
}
