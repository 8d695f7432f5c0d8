package pack

import (
	"bytes"
	"fmt"
	"io"
	"math"
)

const (
	// smallRecord is the largest record that the pump converts as a whole.
	smallRecord = 64 << 10
	// chunkText is about how much text is made at a time.
	chunkText = 3 << 19
	// pendingText is how much text of an unfinished record is held back: up to
	// here a record that is cut short leaves no trace in the output.
	pendingText = 4 << 20
	// readyText is how much finished text may wait while input is there.
	readyText = 64 << 10
)

// Decode reads records from src to its end, or limit of them if that is not
// negative, and writes them as lines to dst. It reads not one byte more than
// limit records take. Its error is a [ReadError], a [WriteError] or a
// [DataError].
func (d *Decoder) Decode(dst io.Writer, src io.Reader, limit int64) (Counts, error) {
	if d.o.Exact {
		return d.decodeOne(dst, src)
	}
	if d.f.fixed && d.f.size > 0 && d.f.size <= smallRecord {
		return d.decodeFixed(dst, src, limit)
	}
	return d.decodeAny(dst, src, limit)
}

// decodeFixed decodes records of the same, moderate size.
func (d *Decoder) decodeFixed(dst io.Writer, src io.Reader, limit int64) (Counts, error) {
	size := int(d.f.size)
	p := pump{dst: dst, src: src, left: -1}
	// The buffers are such that the text of a chunk has a bound too.
	text := d.longest()
	p.chunk = max(min(chunkSize, chunkText/text*size), size)
	p.room = p.chunk/size*text + 2*uintRoom
	p.max = int64(p.chunk)
	if limit >= 0 {
		p.left = saturated(limit, d.f.size)
	}
	p.cut = func(buf []byte, _ bool) int { return len(buf) - len(buf)%size }
	p.convert = func(dst, chunk []byte, offset int64, _ *scratch) ([]byte, int64, error) {
		return d.records(dst, chunk, offset+d.o.Skipped), int64(len(chunk) / size), nil
	}
	r := p.run()
	if r.err == nil && len(r.rest) > 0 {
		r.err = d.leftOver(int64(len(r.rest)), r.Read-int64(len(r.rest))+d.o.Skipped, d.f.size)
	}
	return r.Counts, r.err
}

// longest is about the most text that a record of a fixed size takes.
func (d *Decoder) longest() int {
	most := 1
	for _, c := range []byte{0xff, 0x9a} {
		rec := bytes.Repeat([]byte{c}, int(d.f.size))
		most = max(most, len(d.record(nil, rec, 1<<40)))
	}
	return most
}

// saturated is n times size, or the largest number there is.
func saturated(n, size int64) int64 {
	if size > 0 && n > (1<<63-1)/size {
		return 1<<63 - 1
	}
	return n * size
}

// records writes all records of a chunk.
func (d *Decoder) records(dst, chunk []byte, offset int64) []byte {
	if p := d.lone(); p != nil {
		return d.integerLines(dst, chunk, p)
	}
	if room, ok := d.quick(); ok {
		return d.quickRecords(dst, chunk, room)
	}
	size := int(d.f.size)
	for i := 0; i < len(chunk); i += size {
		dst = d.record(dst, chunk[i:i+size:i+size], offset+int64(i))
	}
	return dst
}

// leftOver is the error for n bytes that are no record.
func (d *Decoder) leftOver(n, offset, need int64) error {
	bytes, least := "bytes", ""
	if n == 1 {
		bytes = "byte"
	}
	if !d.f.fixed {
		least = "at least "
	}
	return &DataError{Why: fmt.Sprintf("%d %s left over at offset %d; %s needs %s%d", n, bytes, offset, quote(d.f.Text), least, need)}
}

// A tape is the input of a cursor: the bytes that were read and not yet taken.
type tape struct {
	src   io.Reader
	buf   []byte
	start int
	end   int
	// exact reads what the cursor is sure to need and no more.
	exact bool
	// limited is set when a number of records was asked for, which may be made of
	// no bytes.
	limited bool
	err     error
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
		if err != nil && err != io.EOF {
			err = asReadError(err)
		}
		t.err = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
}

// failed is the error that ended the tape, if it was not its end.
func (t *tape) failed() error {
	if t.err == io.EOF {
		return nil
	}
	return t.err
}

// decodeAny decodes records of any size with a cursor.
func (d *Decoder) decodeAny(dst io.Writer, src io.Reader, limit int64) (Counts, error) {
	t := tape{src: src, limited: limit >= 0, exact: limit >= 0 && !d.f.rest}
	c := cursor{d: d, offset: d.o.Skipped}
	var count Counts
	var out []byte
	for count.Records != limit {
		ended := false
		var err error
		out, ended, err = d.decodeRecord(dst, &t, &c, out, &count)
		if err != nil || ended {
			return count, err
		}
		if len(out) >= readyText {
			if out, err = flush(dst, out, &count); err != nil {
				return count, err
			}
		}
		if count.Records != limit {
			c.reset(d.o.Skipped + count.Read)
		}
	}
	_, err := flush(dst, out, &count)
	return count, err
}

// flush writes out and empties it.
func flush(dst io.Writer, out []byte, count *Counts) ([]byte, error) {
	if len(out) == 0 {
		return out, nil
	}
	n, err := dst.Write(out)
	count.Written += int64(n)
	return out[:0], asWriteError(err)
}

// decodeRecord appends one record to out, which it writes before it has to wait
// for input. It reports whether the input ended in place of the record.
func (d *Decoder) decodeRecord(dst io.Writer, t *tape, c *cursor, out []byte, count *Counts) ([]byte, bool, error) {
	if len(t.bytes()) == 0 && (d.f.size > 0 || d.f.rest && !t.limited) {
		// Nothing of the record is here yet.
		var err error
		if out, err = flush(dst, out, count); err != nil {
			return out, false, err
		}
		if !t.more(max(d.f.size, 1)) {
			return out, true, t.failed()
		}
	}
	whole := len(out) // what is before the record
	for {
		var n int
		var done bool
		var err error
		out, n, done, err = c.step(out, t.bytes())
		t.start += n
		count.Read += int64(n)
		if err != nil {
			_, failed := flush(dst, out[:whole], count)
			return nil, false, first(failed, err)
		}
		if done {
			count.Records++
			return out, false, nil
		}
		if whole > 0 || len(out) > pendingText {
			keep := out[whole:]
			if len(out) > pendingText {
				whole, keep = len(out), nil
			}
			if _, err := flush(dst, out[:whole], count); err != nil {
				return nil, false, err
			}
			out, whole = append(out[:0], keep...), 0
		}
		if t.more(c.need) {
			continue
		}
		if t.failed() == nil {
			rest := len(t.bytes())
			if out, done = c.finish(out, t.bytes()); done {
				t.start = t.end
				count.Read += int64(rest)
				count.Records++
				return out, false, nil
			}
		}
		return nil, false, d.cut(t, c)
	}
}

// cut is the error of a record that the input ended in.
func (d *Decoder) cut(t *tape, c *cursor) error {
	if err := t.failed(); err != nil {
		return err
	}
	n := c.at + int64(len(t.bytes()))
	if n == 0 {
		return nil
	}
	need := sum(n, c.need)
	if d.f.fixed {
		need = d.f.size
	}
	return d.leftOver(n, c.offset, need)
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// decodeOne decodes exactly one record and nothing else, as struct.unpack does.
func (d *Decoder) decodeOne(dst io.Writer, src io.Reader) (Counts, error) {
	t := tape{src: src}
	c := cursor{d: d, offset: d.o.Skipped}
	var count Counts
	out, done, n := []byte(nil), false, 0
	var err error
	for {
		out, n, done, err = c.step(out, t.bytes())
		t.start += n
		if err != nil {
			return count, err
		}
		if done {
			break
		}
		if len(out) > pendingText {
			if out, err = flush(dst, out, &count); err != nil {
				return count, err
			}
		}
		if t.more(c.need) {
			continue
		}
		if err := t.failed(); err != nil {
			return count, err
		}
		rest := int64(len(t.bytes()))
		if out, done = c.finish(out, t.bytes()); done {
			c.at += rest
			t.start = t.end
			break
		}
		return count, d.exactly(c.at+rest, c.need, "")
	}
	if len(t.bytes()) > 0 || t.more(1) {
		return count, d.exactly(c.at, 0, "more than ")
	}
	if err := t.failed(); err != nil {
		return count, err
	}
	count.Records, count.Read = 1, c.at
	_, err = flush(dst, out, &count)
	return count, err
}

// exactly is Python's error of struct.unpack, with what there was.
func (d *Decoder) exactly(got, more int64, than string) error {
	if d.f.fixed {
		e := dataf("unpack requires a buffer of %d bytes, got %s%d", d.f.size, than, got)
		e.More = than != ""
		return e
	}
	if than != "" {
		return moref("unpack requires a buffer of one record, got more than its %d bytes", got)
	}
	return dataf("unpack requires a buffer of at least %d bytes, got %d", sum(got, more), got)
}

// sum is that of two sizes, as far as numbers go.
func sum(a, b int64) int64 { return a + min(b, math.MaxInt64-a) }
