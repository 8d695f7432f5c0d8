package pack

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math"
)

// EncodeLines reads lines from src, one record each, and writes the records to
// dst. With a limit that is not negative it reads that many lines and not one
// byte more. All lines before a bad one have been written when it returns. Its
// error is a [WriteError], a [DataError], or that of src.
func (e *Encoder) EncodeLines(dst io.Writer, src io.Reader, limit int64) (Counts, error) {
	if limit >= 0 || e.o.Exact {
		return e.oneByOne(dst, src, limit)
	}
	end := e.o.end()
	p := pump{dst: dst, src: src, left: -1, chunk: chunkSize, max: e.maxLine()}
	p.whole = func(buf []byte, had int, last bool) int {
		if last {
			return len(buf)
		}
		if i := bytes.LastIndexByte(buf[had:], end); i >= 0 {
			return had + i + 1
		}
		return 0
	}
	p.convert = func(dst, chunk []byte, _ int64, p *packer) ([]byte, int64, error) {
		return e.lines(dst, chunk, p)
	}
	r := p.run()
	return r.Counts, r.err
}

// maxLine is the longest line accepted: six times Max, since \u00HH is one byte in JSON,
// and chunkSize for all that is not escaped.
func (e *Encoder) maxLine() int64 {
	if e.o.Max > 0 {
		return plus(saturated(e.o.Max, 6), chunkSize)
	}
	return math.MaxInt64
}

// lines appends the records of whole lines; the last one may lack its end. The general
// path takes the lines at which the fast path stops.
func (e *Encoder) lines(dst, chunk []byte, p *packer) ([]byte, int64, error) {
	end := e.o.end()
	p.unescaped = bytes.IndexByte(chunk, '\\') < 0
	fast := e.fast != nil && (p.unescaped || e.o.Raw)
	for n := int64(0); ; n++ {
		if fast {
			var took int
			var lines int64
			dst, took, lines = e.fast(dst, chunk, p)
			chunk = chunk[took:]
			n += lines
		}
		if len(chunk) == 0 {
			return dst, n, nil
		}
		line := chunk
		if i := bytes.IndexByte(chunk, end); i >= 0 {
			line, chunk = chunk[:i], chunk[i+1:]
		} else {
			chunk = nil
		}
		var err error
		if e.o.Form == Raw {
			dst, err = e.line(dst, line, p)
		} else if p.line, err = e.line(p.line[:0], line, p); err == nil {
			dst = appendForm(dst, p.line, e.o.Form)
		}
		if err != nil {
			return dst, n, atLine(err, n+1)
		}
	}
}

// oneByOne encodes line after line, for an exact number of them.
func (e *Encoder) oneByOne(dst io.Writer, src io.Reader, limit int64) (Counts, error) {
	w := recordWriter{output{dst: dst}, e.o.Form}
	r := lineReader{t: tape{src: src, exact: limit >= 0}, end: e.o.end(), max: e.maxLine(), limit: limit, least: 1, wait: w.flush}
	if n, _ := e.f.Values(); n > 1 {
		r.least = min(n, 1<<32) // a value takes a byte
	}
	if e.o.Exact {
		r.only = "pack expected one record, got more lines"
	}
	var p packer
	var record []byte
	err := r.each(func(line []byte) (err error) {
		record, err = e.line(record[:0], line, &p)
		return atLine(err, r.lines)
	}, func() error { return w.record(record) })
	w.count.Cut = p.cut
	return w.finish(r.t.read, err)
}

// A lineReader reads line after line.
type lineReader struct {
	t     tape // if it is exact, no byte behind limit lines is read
	end   byte
	max   int64
	limit int64
	least int64  // bytes of the shortest line with its end
	only  string // the error of a second line, if there must be none
	// wait is called before each read, which may take long.
	wait func() error

	lines int64
}

// next returns the next line without its end.
func (r *lineReader) next() ([]byte, error) {
	for searched := 0; ; {
		b := r.t.bytes()
		i := bytes.IndexByte(b[searched:], r.end)
		searched += max(i, 0)
		switch {
		case i >= 0:
			r.t.start += searched + 1
			r.lines++
			return b[:searched], nil
		case r.t.err == io.EOF && len(b) > 0:
			r.t.start = r.t.end
			r.lines++
			return b, nil
		case r.t.err != nil:
			return nil, r.t.err
		case int64(len(b)) >= r.max:
			return nil, &DataError{Line: r.lines + 1, Why: errLong.Error()}
		}
		searched = len(b)
		if err := r.wait(); err != nil {
			return nil, err
		}
		// The remaining lines take at least this much.
		r.t.more(max(saturated(r.limit-r.lines, r.least)-int64(searched), 1))
	}
}

// each converts each line, and then writes the result. If there must be only one line,
// nothing is written before it is known to be the only one.
func (r *lineReader) each(convert func(line []byte) error, write func() error) error {
	for r.lines != r.limit {
		line, err := r.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = convert(line)
		}
		if err == nil && r.only != "" {
			err = r.t.alone(0, moref("%s", r.only))
		}
		if err == nil {
			err = write()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// separator is what separates the fields of a line: what was given, else a tab if the
// line has one or one value is wanted, else "" for blanks.
func (e *Encoder) separator(line []byte) string {
	n, fixed := e.f.Values()
	if e.o.Separator == "" && (fixed && n == 1 || bytes.IndexByte(line, '\t') >= 0) {
		return "\t"
	}
	return e.o.Separator
}

// split appends the fields of a line.
func (e *Encoder) split(fields []field, line []byte) []field {
	it := e.f.lone()
	lone := it != nil && it.stringLike() && it.kind != char // which is never empty
	if len(line) == 0 && e.f.values == 0 && !lone {
		return fields // a record without values
	}
	if separator := e.separator(line); separator != "" {
		for text := range bytes.SplitSeq(line, []byte(separator)) {
			fields = append(fields, field{text: text})
		}
		return fields
	}
	for text := range bytes.FieldsFuncSeq(line, isBlank) {
		fields = append(fields, field{text: text})
	}
	if len(fields) == 0 && lone {
		// Decoding writes a lone empty string as an empty line.
		fields = append(fields, field{})
	}
	return fields
}

// reserve makes room for the values of a long line at once, where growing would take
// several times the memory, and refuses more than a record can have.
func (e *Encoder) reserve(line []byte, p *packer) error {
	separator := cmp.Or(e.separator(line), " ")
	if e.o.JSON {
		separator = ","
	}
	n := bytes.Count(line, []byte(separator))
	if e.o.tooLong(int64(n)) {
		return e.o.over(fmt.Sprintf("record of about %d values", n+1))
	}
	if cap(p.row) <= n {
		p.row = make([]field, 0, n+1)
	}
	return nil
}

// line appends the record that a line of input describes.
func (e *Encoder) line(dst, line []byte, p *packer) ([]byte, error) {
	var err error
	if len(line) > readyText {
		err = e.reserve(line, p)
	}
	switch {
	case err != nil:
		return dst, err
	case e.o.JSON:
		p.row, err = e.parseJSON(p.row[:0], line, &p.json)
	default:
		p.row = e.split(p.row[:0], line)
	}
	if err == nil {
		dst, err = e.record(dst, p.row, p)
	}
	return dst, asShown(err, p.row)
}

// A recordWriter writes records one by one in a form. Small ones are gathered.
type recordWriter struct {
	output
	form Form
}

// flush writes what has been gathered.
func (w *recordWriter) flush() error { return w.output.flush(len(w.ready)) }

// finish flushes and returns the counts, and err if it did not fail.
func (w *recordWriter) finish(read int64, err error) (Counts, error) {
	failed := w.flush()
	w.count.Read = read
	return w.count, cmp.Or(failed, err)
}

// record writes one record, made of its parts one after the other.
func (w *recordWriter) record(head []byte, rest ...byte) error {
	w.count.Records++
	if w.form == Raw {
		w.ready = append(w.ready, head...)
		if len(rest) >= readyText {
			return cmp.Or(w.flush(), w.write(rest))
		}
		w.ready = append(w.ready, rest...)
	} else {
		w.ready = appendForm(w.ready, append(head, rest...), w.form)
	}
	if len(w.ready) < readyText {
		return nil
	}
	return w.flush()
}
