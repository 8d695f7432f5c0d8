package pack

import (
	"bytes"
	"cmp"
	"io"
	"math"
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
// not used. Its error is a [WriteError], a [DataError], or that of src.
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
	p.whole = func(buf []byte, _ int, _ bool) int { return len(buf) - len(buf)%size }
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

// decodeStream decodes records of any size by the general path. With o.Exact it
// decodes one, and nothing else may be there, as struct.unpack insists.
func (d *Decoder) decodeStream(dst io.Writer, src io.Reader, limit int64) (Counts, error) {
	if d.o.Exact {
		limit = 1
	}
	c := d.newCursor(dst, src, limit >= 0 && !d.f.rest && !d.o.Exact)
	if d.o.Explain {
		c.ready = d.dumpHeader()
	}
	var err error
	for c.count.Records != limit && err == nil {
		if err = c.next(limit); err == nil && len(c.ready) >= readyText && !d.o.Exact {
			err = c.flush(len(c.ready))
		}
	}
	if err == nil && d.o.Exact {
		if err = c.t.alone(0, d.exactly(c.count.Read, 0, "more than ")); err != nil {
			c.ready, c.count.Records = nil, 0
		}
	}
	if err == io.EOF {
		err = nil
	}
	return c.count, cmp.Or(c.flush(len(c.ready)), err)
}

// next decodes a record, at most the last of limit ones. Its error is io.EOF if the input
// ends before the record. If the record fails, its text that is not final is discarded.
func (c *cursor) next(limit int64) error {
	f := c.d.f
	c.final = len(c.ready)
	if len(c.t.bytes()) == 0 && !c.d.o.Exact && (f.size > 0 || f.rest && limit < 0) {
		// Nothing of the record is here yet.
		if err := c.read(max(f.size, 1)); err != nil {
			return err
		}
	}
	err := c.record(c.d.o.Skipped + c.count.Read)
	c.count.Read += c.at
	if err == nil {
		c.count.Records++
		return nil
	}
	c.ready = c.ready[:c.final]
	if c.begun {
		c.ready = append(c.ready, c.d.o.end())
	}
	if err == io.EOF {
		return c.cutShort()
	}
	return err
}

// cutShort is the error of a record that the input ended in.
func (c *cursor) cutShort() error {
	n, f := c.at+int64(len(c.t.bytes())), c.d.f
	switch {
	case c.d.o.Exact:
		return c.d.exactly(n, c.need, "")
	case f.fixed:
		return leftOver(n, c.offset, f.Text, true, f.size)
	}
	return leftOver(n, c.offset, f.Text, false, plus(n, c.need))
}

// exactly is the error of Python's struct.unpack, with the number of bytes.
func (d *Decoder) exactly(got, more int64, than string) *DataError {
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
