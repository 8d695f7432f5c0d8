package pack

import (
	"bytes"
	"io"
)

// sparse reports whether records may have padding that is kept as holes: they
// are then written one by one.
func (f *Format) sparse() bool {
	for i := range f.Items {
		switch it := &f.Items[i]; it.kind {
		case pad, bytesOf, pascal:
			if it.Count > smallPadding {
				return true
			}
		}
	}
	return false
}

// EncodeLines reads lines from src, one record each, and writes the records to
// dst. With a limit that is not negative it reads that many lines and not one
// byte more. All lines before a bad one have been written when it returns. Its
// error is a [ReadError], a [WriteError] or a [DataError].
func (e *Encoder) EncodeLines(dst io.Writer, src io.Reader, limit int64) (Counts, error) {
	if limit >= 0 || e.o.Exact || e.f.sparse() {
		return e.oneByOne(dst, src, limit)
	}
	end := e.o.end()
	p := pump{dst: dst, src: src, left: -1, chunk: chunkSize, max: e.maxLine()}
	p.cut = func(buf []byte, last bool) int {
		if last {
			return len(buf)
		}
		return bytes.LastIndexByte(buf, end) + 1
	}
	p.convert = func(dst, chunk []byte, _ int64, s *scratch) ([]byte, int64, error) {
		return e.lines(dst, chunk, s)
	}
	r := p.run()
	return r.Counts, r.err
}

// maxLine is the longest line that is taken: \xHH is one byte.
func (e *Encoder) maxLine() int64 {
	if e.o.Max > 0 {
		return max(saturated(e.o.Max, 4), chunkSize)
	}
	return 1<<63 - 1
}

// lines appends the records of whole lines; the last one may lack its end.
func (e *Encoder) lines(dst, chunk []byte, s *scratch) ([]byte, int64, error) {
	end := e.o.end()
	lone := e.loneInteger()
	s.unescaped = lone == nil && bytes.IndexByte(chunk, '\\') < 0
	direct := (s.unescaped || e.o.Raw) && e.direct()
	for n := int64(0); ; n++ {
		if lone != nil {
			// What the fast path stops at is left to the general one.
			var took int
			var lines int64
			dst, took, lines = e.integerChunk(dst, chunk, lone)
			chunk = chunk[took:]
			n += lines
		} else if direct {
			var took int
			var lines int64
			dst, took, lines = e.directLines(dst, chunk, s)
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
			dst, err = e.line(dst, line, s)
		} else if s.line, err = e.line(s.line[:0], line, s); err == nil {
			dst = appendForm(dst, s.line, e.o.Form)
		}
		if err != nil {
			return dst, n, atLine(err, n+1)
		}
	}
}

// oneByOne encodes line after line: for an exact number of them, and where a
// record can be larger than memory.
func (e *Encoder) oneByOne(dst io.Writer, src io.Reader, limit int64) (Counts, error) {
	w := recordWriter{dst: dst, form: e.o.Form}
	r := lineReader{src: src, end: e.o.end(), max: e.maxLine(), limit: limit, exact: limit >= 0, least: e.leastLine(), wait: w.flush}
	err := e.eachLine(&w, &r)
	return w.finish(r.read, err)
}

// errMore is what -1 says of a second line.
var errMore = moref("pack expected one record, got more lines")

// eachLine encodes the lines of r.
func (e *Encoder) eachLine(w *recordWriter, r *lineReader) error {
	var s scratch
	defer func() { w.count.Cut = s.cut }()
	var records []byte
	for r.lines != r.limit {
		line, err := r.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		s.holes = s.holes[:0]
		if records, err = e.line(records[:0], line, &s); err != nil {
			return atLine(err, r.lines)
		}
		if e.o.Exact && r.limit < 0 {
			// Nothing is written before it is known to be the only one.
			if _, err := r.next(); err == nil {
				return errMore
			} else if err != io.EOF {
				return err
			}
			return w.record(records, s.holes)
		}
		if err := w.record(records, s.holes); err != nil {
			return err
		}
	}
	return nil
}

// leastLine is the number of bytes of the shortest line.
func (e *Encoder) leastLine() int64 {
	n, _ := e.f.Values()
	return max(min(n, 1<<32), 1)
}

// A lineReader reads line after line.
type lineReader struct {
	src   io.Reader
	end   byte
	max   int64
	limit int64 // lines; exact reads no byte behind them
	exact bool
	least int64 // bytes of the shortest line with its end
	// wait is called before each read, which may take long.
	wait func() error

	buf   []byte
	start int
	stop  int
	lines int64
	read  int64
	err   error
}

// next returns the next line without its end.
func (r *lineReader) next() ([]byte, error) {
	searched := 0
	for {
		if i := bytes.IndexByte(r.buf[r.start+searched:r.stop], r.end); i >= 0 {
			line := r.buf[r.start : r.start+searched+i]
			r.start += len(line) + 1
			r.lines++
			return line, nil
		}
		searched = r.stop - r.start
		if r.err != nil {
			break
		}
		if int64(searched) >= r.max {
			return nil, &DataError{Line: r.lines + 1, Why: errLong.Error()}
		}
		if err := r.wait(); err != nil {
			return nil, err
		}
		r.fill()
	}
	if searched == 0 || r.err != io.EOF {
		return nil, r.err
	}
	line := r.buf[r.start:r.stop]
	r.start = r.stop
	r.lines++
	return line, nil
}

// fill reads once.
func (r *lineReader) fill() {
	if r.start > 0 {
		r.stop = copy(r.buf, r.buf[r.start:r.stop])
		r.start = 0
	}
	if r.stop == len(r.buf) {
		r.buf = append(r.buf, make([]byte, max(len(r.buf), readyText))...)
	}
	room := r.buf[r.stop:]
	if r.exact {
		// The lines that are still to come take this much at least.
		sure := max(saturated(r.limit-r.lines, r.least)-int64(r.stop), 1)
		room = room[:min(int64(len(room)), sure)]
	}
	n, err := r.src.Read(room)
	r.stop += n
	r.read += int64(n)
	if err != nil && err != io.EOF {
		err = asReadError(err)
	}
	r.err = err
}

// A recordWriter writes records one by one, in a form and with their holes. Small
// ones are gathered until flush is called.
type recordWriter struct {
	dst     io.Writer
	form    Form
	count   Counts
	ready   []byte
	forming formWriter
}

// flush writes what has been gathered.
func (w *recordWriter) flush() error {
	if len(w.ready) == 0 {
		return nil
	}
	_, err := w.Write(w.ready)
	w.ready = w.ready[:0]
	return err
}

// finish flushes and returns the counts, and err if it did not fail.
func (w *recordWriter) finish(read int64, err error) (Counts, error) {
	failed := w.flush()
	w.count.Read = read
	return w.count, first(failed, err)
}

// Write implements [io.Writer] for the bytes of all forms; it counts them.
func (w *recordWriter) Write(p []byte) (int, error) {
	n, err := w.dst.Write(p)
	w.count.Written += int64(n)
	return n, asWriteError(err)
}

// record writes one record, made of the parts one after the other; the holes are
// in the first.
func (w *recordWriter) record(head []byte, holes []hole, rest ...byte) error {
	w.count.Records++
	if len(holes) == 0 && len(rest) < readyText {
		if w.form == Raw || len(rest) == 0 {
			w.ready = appendForm(w.ready, head, w.form)
			w.ready = append(w.ready, rest...)
		} else {
			w.ready = appendForm(w.ready, append(head, rest...), w.form)
		}
		if len(w.ready) < readyText {
			return nil
		}
		return w.flush()
	}
	if err := w.flush(); err != nil {
		return err
	}
	w.forming.dst, w.forming.form = w, w.form
	if err := writeSparse(&w.forming, head, holes); err != nil {
		return err
	}
	if len(rest) > 0 {
		if _, err := w.forming.Write(rest); err != nil {
			return err
		}
	}
	return w.forming.close()
}

// writeSparse writes bytes with the NUL bytes of the holes among them.
func writeSparse(dst io.Writer, b []byte, holes []hole) error {
	at := 0
	for _, h := range holes {
		if h.at > at {
			if _, err := dst.Write(b[at:h.at]); err != nil {
				return err
			}
		}
		at = h.at
		zeros := make([]byte, min(h.n, readyText))
		for n := h.n; n > 0; n -= int64(len(zeros)) {
			zeros = zeros[:min(n, int64(len(zeros)))]
			if _, err := dst.Write(zeros); err != nil {
				return err
			}
		}
	}
	if at == len(b) {
		return nil
	}
	_, err := dst.Write(b[at:])
	return err
}
