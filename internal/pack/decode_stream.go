package pack

import (
	"bytes"
	"cmp"
	"io"
	"math"
	"strings"
)

const (
	// smallRecord is the largest record that the pump converts.
	smallRecord = 64 << 10
	// chunkText is about how much text is made at a time.
	chunkText = 3 << 19
	// pendingText is how much text of an unfinished record is held back: up to
	// here a record that is cut short leaves no trace in the output.
	pendingText = 4 << 20
	// readyText is how much finished text may wait while there is input.
	readyText = 64 << 10
)

// Decode reads records from src to its end, or limit of them if that is not
// negative, and writes them as lines to dst. It reads not one byte more than
// limit records take. With o.Exact src must hold exactly one record, and limit is
// not used. Its error is a [ReadError], a [WriteError] or a [DataError].
func (d *Decoder) Decode(dst io.Writer, src io.Reader, limit int64) (Counts, error) {
	if d.fast && !d.o.Exact {
		return d.decodeChunks(dst, src, limit)
	}
	return d.decodeStream(dst, src, limit)
}

// decodeChunks decodes records of the same, moderate size.
func (d *Decoder) decodeChunks(dst io.Writer, src io.Reader, limit int64) (Counts, error) {
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
	p.cut = func(buf []byte, _ int, _ bool) int { return len(buf) - len(buf)%size }
	p.convert = func(dst, chunk []byte, offset int64, _ *packer) ([]byte, int64, error) {
		return d.convert(dst, chunk, offset+d.o.Skipped), int64(len(chunk) / size), nil
	}
	r := p.run()
	if r.err == nil && len(r.rest) > 0 {
		r.err = leftOver(int64(len(r.rest)), r.Read-int64(len(r.rest))+d.o.Skipped, d.f.Text, true, d.f.size)
	}
	return r.Counts, r.err
}

// longest is about the most text that a record of a fixed size takes.
func (d *Decoder) longest() int {
	most := 1
	for _, c := range []byte{0xff, 0x9a} {
		rec := bytes.Repeat([]byte{c}, int(d.f.size))
		most = max(most, len(d.convert(nil, rec, 1<<40)))
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

// leftOver is the error for n bytes at offset that are too few for a format or a
// group, which needs need bytes, or at least that many if it is not fixed.
func leftOver(n, offset int64, text string, fixed bool, need int64) *DataError {
	bytes, least := "bytes", ""
	if n == 1 {
		bytes = "byte"
	}
	if !fixed {
		least = "at least "
	}
	return dataf("%d %s left over at offset %d; %s needs %s%d", n, bytes, offset, quote(text), least, need)
}

// cut is the error of an input that ends within a group; rest bytes of it were not
// taken.
func (c *cursor) cut(rest int64) error {
	if c.between {
		c.number, c.begins = c.number+1, c.at
	}
	outer := &c.outer[len(c.outer)-1]
	text := outer.l.ops[outer.index].Code
	n := c.at + rest - c.begins
	need := c.l.size
	if !c.l.fixed {
		need = max(c.l.size-c.l.pads, n+1)
	}
	err := leftOver(n, c.offset+c.begins, text, c.l.fixed, need)
	if n == 0 {
		err.Why = strings.Replace(err.Why, "0 bytes left over", "end of input", 1)
	}
	return c.placeIn(err)
}

// decodeStream decodes records of any size by the general path. With o.Exact it
// decodes one, and nothing else may be there, as struct.unpack insists.
func (d *Decoder) decodeStream(dst io.Writer, src io.Reader, limit int64) (Counts, error) {
	if d.o.Exact {
		limit = 1
	}
	s := stream{d: d, output: output{dst: dst}, limited: limit >= 0, c: d.newCursor()}
	s.t = tape{src: src, exact: s.limited && !d.f.rest && !d.o.Exact}
	if d.o.Explain {
		s.ready = d.dumpHeader()
	}
	var err error
	for end := false; s.count.Records != limit && !end && err == nil; {
		s.c.reset(d.o.Skipped + s.count.Read)
		if end, err = s.record(); err == nil && len(s.ready) >= readyText && !d.o.Exact {
			err = s.flush(len(s.ready))
		}
	}
	if err == nil && d.o.Exact {
		if len(s.t.bytes()) > 0 || s.t.more(1) {
			err = d.exactly(s.count.Read, 0, "more than ")
		} else {
			err = s.t.failed()
		}
		if err != nil {
			s.ready, s.count.Records = nil, 0
		}
	}
	return s.count, cmp.Or(s.flush(len(s.ready)), err)
}

// A stream is a conversion by a cursor.
type stream struct {
	output
	d       *Decoder
	t       tape
	c       cursor
	limited bool
	begun   bool // a part of the record's line is final
}

// record appends the text of one record. Before it waits for input, it writes the text
// in front of the record, and that of the record if it is longer than pendingText. It
// reports whether the input ended before the record. If the record fails, its
// unwritten text is discarded.
func (s *stream) record() (end bool, err error) {
	whole := len(s.ready) // the text before the record
	s.begun = false
	if len(s.t.bytes()) == 0 && !s.d.o.Exact && (s.d.f.size > 0 || s.d.f.rest && !s.limited) {
		// Nothing of the record is here yet.
		if err := s.flush(whole); err != nil {
			return false, err
		}
		if !s.t.more(max(s.d.f.size, 1)) {
			return true, s.t.failed()
		}
		whole = 0
	}
	for {
		var n int
		var done bool
		s.ready, n, done, err = s.c.step(s.ready, s.t.bytes())
		s.t.start += n
		s.count.Read += int64(n)
		if s.c.mark > whole {
			whole, s.begun = s.c.mark, !s.d.o.Explain
		}
		if err != nil {
			s.drop(whole)
			return false, err
		}
		if done {
			s.count.Records++
			return false, nil
		}
		if len(s.ready) > pendingText {
			whole, s.begun = len(s.ready), true
		}
		if err := s.flush(whole); err != nil {
			return false, err
		}
		whole = 0
		switch {
		case s.c.need == 0 || s.t.more(s.c.need):
		case s.c.ended || s.t.failed() != nil:
			s.drop(0)
			return false, s.cut()
		default:
			s.c.ended = true
		}
	}
}

// drop discards the text of a record from the byte n on, and ends the line if part of
// it has been written.
func (s *stream) drop(n int) {
	s.ready = s.ready[:n]
	if s.begun {
		s.ready = append(s.ready, s.d.o.end())
	}
}

// cut is the error of a record that the input ended in.
func (s *stream) cut() error {
	if err := s.t.failed(); err != nil {
		return err
	}
	n := s.c.at + int64(len(s.t.bytes()))
	switch {
	case s.d.o.Exact:
		return s.d.exactly(n, s.c.need, "")
	case n == 0:
		return nil
	case len(s.c.outer) > 0:
		return s.c.cut(int64(len(s.t.bytes())))
	case s.d.f.fixed:
		return leftOver(n, s.c.offset, s.d.f.Text, true, s.d.f.size)
	}
	return leftOver(n, s.c.offset, s.d.f.Text, false, plus(n, s.c.need))
}

// exactly is the error of Python's struct.unpack, with the number of bytes.
func (d *Decoder) exactly(got, more int64, than string) error {
	switch {
	case d.f.fixed:
		e := dataf("unpack requires a buffer of %d bytes, got %s%d", d.f.size, than, got)
		e.More = than != ""
		return e
	case than != "":
		return moref("unpack requires a buffer of one record, got more than its %d bytes", got)
	}
	return dataf("unpack requires a buffer of at least %d bytes, got %d", plus(got, more), got)
}

// plus adds two sizes, at most to the largest number there is.
func plus(a, b int64) int64 { return a + min(b, math.MaxInt64-a) }
