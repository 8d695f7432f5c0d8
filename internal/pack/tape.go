package pack

import "io"

// A tape is the one buffered reader of this package: the bytes that were read and
// not yet taken.
type tape struct {
	src   io.Reader
	buf   []byte
	start int
	end   int
	// exact is set if more must read no more bytes than its caller needs.
	exact bool
	read  int64 // bytes that have been read
	err   error
}

func (t *tape) bytes() []byte { return t.buf[t.start:t.end] }

// more reads; need is how many bytes more are wanted at least. It returns false
// at the end of the input.
func (t *tape) more(need int64) bool {
	if t.err != nil {
		return false
	}
	if t.start > 0 {
		t.end = copy(t.buf, t.buf[t.start:t.end])
		t.start = 0
	}
	if t.end == len(t.buf) {
		t.buf = append(t.buf, make([]byte, max(len(t.buf), readyText))...)
	}
	room := t.buf[t.end:]
	if t.exact && int64(len(room)) > need {
		room = room[:need]
	}
	for {
		n, err := t.src.Read(room)
		t.end += n
		t.read += int64(n)
		t.err = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
}

// alone waits for the end of the input, which must come behind the next n bytes: if anything
// else is there, its error is more.
func (t *tape) alone(n int64, more *DataError) error {
	switch {
	case int64(len(t.bytes())) > n || t.more(1):
		return more
	case t.err == io.EOF:
		return nil
	}
	return t.err
}

// An output is the one buffered writer: what is ready, and the counts of what moved.
type output struct {
	dst   io.Writer
	ready []byte
	count Counts
}

// flush writes the first n bytes of what is ready.
func (o *output) flush(n int) error {
	if n == 0 {
		return nil
	}
	err := o.write(o.ready[:n])
	o.ready = o.ready[:copy(o.ready, o.ready[n:])]
	return err
}

// write writes and counts b at once.
func (o *output) write(b []byte) error {
	n, err := o.dst.Write(b)
	o.count.Written += int64(n)
	return asWriteError(err)
}
