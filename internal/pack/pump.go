package pack

import (
	"errors"
	"io"
	"runtime"
)

// chunkSize is how many bytes are read and converted at a time.
const chunkSize = 256 << 10

// A pump reads chunks, converts what is whole in them and writes the result. It
// begins with one worker; once the input fills a whole chunk a second one joins
// it. The workers pass on a token for reading and one for writing: the output keeps
// the order of the input, and at any time one worker reads or converts while the
// other converts or writes. A chunk is what one read returns, so that behind a
// live pipe nothing waits for a buffer to fill.
type pump struct {
	dst io.Writer
	src io.Reader
	// left is how many bytes may still be read; negative is no limit.
	left int64
	// chunk is the size of the buffers that are read into, room that of those for
	// the results, which grow.
	chunk, room int
	// max is the size to which a buffer may grow for what is never whole.
	max int64
	// whole returns how much of buf is whole, of whose first had bytes nothing is; at the
	// end of the input everything may be.
	whole func(buf []byte, had int, end bool) int
	// convert appends the result of a whole chunk that begins at offset, and how
	// many records it held. The Line of its error counts from the chunk's start.
	convert func(dst, chunk []byte, offset int64, s *packer) ([]byte, int64, error)

	result chan pumped
	done   chan struct{} // closed when the result is known: ends the workers
}

// pumped is how a pump ended.
type pumped struct {
	Counts
	rest []byte // what was not whole at the end
	err  error
}

// errLong is a line longer than the limit.
var errLong = errors.New("line is too long")

type worker struct {
	p     *pump
	next  *worker
	read  chan reading
	write chan pumped
	in    []byte
	out   []byte
	s     packer
}

// reading is the token of the worker that reads.
type reading struct {
	rest   []byte // begins the next chunk
	offset int64
	left   int64
}

func (p *pump) newWorker() *worker {
	return &worker{p: p, read: make(chan reading, 1), write: make(chan pumped, 1), in: make([]byte, p.chunk), out: make([]byte, 0, p.room)}
}

// run pumps until the end of the input or an error. The workers are not waited
// for: one may be in a read that nothing can interrupt; it ends with that read.
func (p *pump) run() pumped {
	p.result, p.done = make(chan pumped, 1), make(chan struct{})
	w := p.newWorker()
	w.next = w
	w.read <- reading{left: p.left}
	w.write <- pumped{}
	go w.work()
	r := <-p.result
	close(p.done)
	return r
}

// work converts chunks until the input ends, an error occurs or the pump is
// done.
func (w *worker) work() {
	for {
		var r reading
		select {
		case r = <-w.read:
		case <-w.p.done:
			return
		}
		n, whole, err := w.fill(&r)
		w.join(n)
		if err == nil {
			w.next.read <- reading{rest: w.in[whole:n], offset: r.offset + int64(whole), left: r.left}
		}
		out, records, bad := w.p.convert(w.out[:0], w.in[:whole], r.offset, &w.s)
		if cap(out) > cap(w.out) {
			w.out = out // it has grown
		}
		var t pumped
		select {
		case t = <-w.write:
		case <-w.p.done:
			return
		}
		t.Cut += w.s.cut
		w.s.cut = 0
		lines := t.Records
		t.Records += records
		t.Read = r.offset + int64(n)
		if len(out) > 0 {
			written, failed := w.p.dst.Write(out)
			t.Written += int64(written)
			t.err = asWriteError(failed)
		}
		switch {
		case t.err != nil:
		case bad != nil:
			t.err = afterLines(bad, lines)
		case err != nil:
			t.rest, t.err = w.in[whole:n], endOf(err, t.Records)
		}
		if t.err != nil || err != nil {
			w.p.result <- t
			return
		}
		w.next.write <- t
	}
}

// afterLines makes the line of err count from the start of the input.
func afterLines(err error, lines int64) error {
	if e, ok := errors.AsType[*DataError](err); ok && e.Line > 0 {
		e.Line += lines
	}
	return err
}

// endOf is the error of a pump whose input ended with err.
func endOf(err error, records int64) error {
	switch err {
	case io.EOF:
		return nil
	case errLong:
		return &DataError{Line: records + 1, Why: errLong.Error()}
	}
	return err
}

// join starts the second worker when the input is as fast as the conversion: a read has
// filled a whole chunk, or returned what a pipe holds by default.
func (w *worker) join(n int) {
	if w.next == w && n >= min(w.p.chunk, 64<<10) && runtime.GOMAXPROCS(0) > 1 {
		other := w.p.newWorker()
		other.next, w.next = w, other
		go other.work()
	}
}

// fill reads until something is whole, and returns how many bytes there are, how
// many of them are whole, and why there will be no more.
func (w *worker) fill(r *reading) (n, whole int, err error) {
	p := w.p
	for len(w.in) < len(r.rest) {
		w.in = append(w.in, make([]byte, len(w.in))...)
	}
	t := tape{src: p.src, buf: w.in, exact: r.left >= 0}
	t.end = copy(t.buf, r.rest)
	for {
		had := t.end
		switch {
		case r.left == 0:
			t.err = io.EOF
		case had == len(t.buf) && int64(had) >= p.max:
			t.err = errLong
		default:
			t.more(r.left)
		}
		if r.left > 0 {
			r.left -= int64(t.end - had)
		}
		w.in = t.buf
		if whole = p.whole(t.bytes(), had, t.err == io.EOF); whole > 0 || t.err != nil {
			return t.end, whole, t.err
		}
	}
}
