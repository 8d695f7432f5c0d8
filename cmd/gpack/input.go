package main

import (
	"cmp"
	"errors"
	"io"
	"os"
	"strconv"

	"gcat/internal/cli"
	"gcat/internal/pack"
)

// A converter converts limit records of an input.
type converter = func(o pack.Options, src io.Reader, limit int64) (pack.Counts, error)

// inputs converts one input after the other, standard input if none is named. As
// cat does, it goes on behind an input that fails. Its error is the last one; the
// others have been reported.
func (g *gpack) inputs(form pack.Form, convert converter) (pack.Counts, error) {
	names := g.Args
	if len(names) == 0 {
		names = []string{"-"}
	}
	var total pack.Counts
	var failed error
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
		if err != nil && failed != nil {
			g.log.Error(failed)
		}
		failed = cmp.Or(err, failed)
		if _, ok := errors.AsType[*pack.WriteError](err); ok {
			break
		}
	}
	if failed == nil && g.limit() > total.Records {
		failed = short(where, total.Records, g.limit())
	}
	return total, failed
}

// input converts one input.
func (g *gpack) input(name, where string, form pack.Form, limit int64, convert converter) (pack.Counts, error) {
	file := os.Stdin
	if name != "-" {
		var err error
		if file, err = os.Open(name); err != nil {
			err := cli.Failf(cli.Local, "%s: %s", where, words(err))
			if looksLikeOption(name) {
				err = g.misplaced(err)
			}
			return pack.Counts{}, err
		}
		defer file.Close()
	}
	if limit == 0 {
		return pack.Counts{}, nil
	}
	if err := refuseSame(file, os.Stdout, where); err != nil {
		return pack.Counts{}, err
	}
	enlarge(file)
	enlarge(os.Stdout)
	src := pack.NewFormReader(file, form)
	o, err := g.options(), error(nil)
	if o.Skipped, err = skip(file, src, int64(g.Skip)); err != nil {
		return pack.Counts{}, g.failure(where, err)
	}
	count, err := convert(o, src, limit)
	if e, ok := errors.AsType[*pack.DataError](err); ok && e.More && g.Count == nil {
		return count, cli.Hint(g.failure(where, err), "-n 1 reads one record and leaves the rest")
	}
	return count, g.failure(where, err)
}

// refuseSame returns an error if input and output are the same file and there is
// something to read: each record would be read again, for ever, or overwritten before
// it is read. cat(1) has the same rule.
func refuseSame(in, out *os.File, where string) error {
	from, err := in.Stat()
	if err != nil || !from.Mode().IsRegular() {
		return nil
	}
	to, err := out.Stat()
	if err != nil || !os.SameFile(from, to) {
		return nil
	}
	if at, err := in.Seek(0, io.SeekCurrent); err == nil && at >= from.Size() {
		return nil
	}
	return cli.Failf(cli.Local, "%s: input file is output file", where)
}

// skip skips the first n bytes, or all but the last -n of a file, and returns how many
// it skipped. It seeks where it can, and then reads the last skipped byte to know that
// it exists: the size of a file in /proc is 0, and in /sys it is wrong.
func skip(file *os.File, src io.Reader, n int64) (int64, error) {
	if n < 0 {
		return skipToLast(file, src, -n)
	}
	if n == 0 {
		return 0, nil
	}
	if src == io.Reader(file) {
		if _, err := file.Seek(n-1, io.SeekCurrent); err == nil {
			if k, _ := file.Read(make([]byte, 1)); k == 1 {
				return n, nil
			}
			if _, err := file.Seek(1-n, io.SeekCurrent); err != nil {
				return 0, err
			}
		}
	}
	there, err := io.CopyN(io.Discard, struct{ io.Reader }{src}, n)
	if err == io.EOF {
		return 0, tooShort("cannot skip "+strconv.FormatInt(n, 10)+" bytes", there)
	}
	return n, err
}

// skipToLast seeks to the last n bytes of a file.
func skipToLast(file *os.File, src io.Reader, n int64) (int64, error) {
	what := "cannot skip to the last " + strconv.FormatInt(n, 10) + " bytes"
	at, err := file.Seek(0, io.SeekCurrent)
	if err != nil || src != io.Reader(file) {
		return 0, &pack.DataError{Why: what + " of what is no plain file"}
	}
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	_, err = file.ReadAt(make([]byte, 1), max(end-1, 0))
	if end > 0 && err == io.EOF || end == 0 && err == nil { // as in /sys and /proc
		return 0, &pack.DataError{Why: what + ": the system does not know the file's size"}
	}
	if end-at < n {
		return 0, tooShort(what, max(end-at, 0))
	}
	_, err = file.Seek(end-n, io.SeekStart)
	return end - n - at, err
}

func tooShort(what string, there int64) error {
	return &pack.DataError{Why: what + ": there are " + strconv.FormatInt(there, 10)}
}
