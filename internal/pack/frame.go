package pack

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
)

// A Header is a format that stands in front of payloads; one of its integers is
// their length.
type Header struct {
	f    *Format
	item int // the index of the item whose last value is the length
}

// NewHeader makes a header of f. The item that is the length is given by its
// number, from 1, or its name; "" is the last integer.
func NewHeader(f *Format, length string) (*Header, error) {
	if f.rest {
		return nil, fmt.Errorf("%s takes all that is left: it cannot be a header", quote(f.Text))
	}
	if f.size > largeHeader {
		return nil, fmt.Errorf("%s is larger than a header may be, %d bytes", quote(f.Text), largeHeader)
	}
	if f.grouped || f.slots > 0 {
		return nil, fmt.Errorf("%s has groups or references: it cannot be a header", quote(f.Text))
	}
	h := &Header{f: f, item: -1}
	for i := range f.items {
		it := &f.items[i]
		holds := it.isInteger() && it.Count > 0
		switch {
		case length == "" && holds:
			h.item = i
		case length == "" || it.Name != length && strconv.Itoa(i+1) != length:
		case !holds:
			return nil, fmt.Errorf("item %s of %s is no integer", quote(length), quote(f.Text))
		default:
			h.item = i
		}
	}
	switch {
	case h.item >= 0:
		return h, nil
	case length == "":
		return nil, fmt.Errorf("%s has no integer for the length", quote(f.Text))
	}
	return nil, fmt.Errorf("%s has no item %s", quote(f.Text), quote(length))
}

// A Framer puts a header with their length in front of payloads.
type Framer struct {
	h *Header
	o Options
	e *Encoder
	// adjust is added to the length of the payload, for headers that count more
	// than it.
	adjust int64
	fields []field // the values of the header, the length among them
	at     int64   // the index of the length
	length []byte  // its text
}

// largeHeader is the size of the largest header.
const largeHeader = 1 << 20

// NewFramer prepares a framer whose headers have the given values, in order, the
// length not among them. They are checked at once. The length is that of the
// payload plus adjust.
func NewFramer(h *Header, o Options, adjust int64, values []string) (*Framer, error) {
	fr := &Framer{h: h, o: o, adjust: adjust}
	o.Form, o.JSON, o.Names = Raw, false, nil
	fr.e = NewEncoder(h.f, o)
	it := &h.f.items[h.item]
	fr.at = it.first + it.elements*it.perElement - 1
	if want, _ := h.f.Values(); int64(len(values)) != want-1 {
		return nil, dataf("pack expected %d items for packing (got %d)", want-1, len(values))
	}
	fr.fields = slices.Insert(operands(values), int(fr.at), field{text: zero, kind: computed})
	_, err := fr.e.record(nil, fr.fields, new(packer))
	return fr, fr.renumber(err)
}

// renumber turns the number of err's value into that of the operand.
func (fr *Framer) renumber(err error) error {
	if e, ok := err.(*DataError); ok {
		switch {
		case e.Value == fr.at+1:
			e.Value = 0
		case e.Value > fr.at+1:
			e.Value--
		}
	}
	return err
}

// header makes the header of a payload of size bytes, in the memory of old.
func (fr *Framer) header(old []byte, size int64, p *packer) ([]byte, error) {
	n := size + fr.adjust
	switch {
	case fr.adjust > math.MaxInt64-size:
		return old, dataf("length %d + %d is too large", size, fr.adjust)
	case n < 0:
		return old, dataf("length %d is negative", n)
	}
	fr.length = strconv.AppendInt(fr.length[:0], n, 10)
	fr.fields[fr.at].text = fr.length
	header, err := fr.e.record(old[:0], fr.fields, p)
	return header, fr.renumber(err)
}

// Frame reads all of src and writes it as one frame.
func (fr *Framer) Frame(dst io.Writer, src io.Reader) (Counts, error) {
	w := recordWriter{output{dst: dst}, fr.o.Form}
	var p packer
	most := cmp.Or(fr.o.Max, math.MaxInt64)
	var buf bytes.Buffer
	_, err := buf.ReadFrom(io.LimitReader(src, plus(most, 1)))
	payload := buf.Bytes()
	if err == nil && fr.o.tooLong(int64(len(payload))) {
		err = fr.o.over("frame 1: payload")
	}
	if err == nil {
		var header []byte
		header, err = fr.header(nil, int64(len(payload)), &p)
		if err = inFrame(err, 1); err == nil {
			err = w.record(header, payload...)
		}
	}
	w.count.Cut = p.cut
	return w.finish(int64(len(payload)), err)
}

// inFrame puts the number of the frame in front of an error of its data.
func inFrame(err error, n int64) error {
	if e, ok := err.(*DataError); ok {
		return dataf("frame %d: %s", n, e.Error())
	}
	return err
}

// FrameLines frames each line of src without its end, or limit of them if that
// is not negative.
func (fr *Framer) FrameLines(dst io.Writer, src io.Reader, limit int64) (Counts, error) {
	w := recordWriter{output{dst: dst}, fr.o.Form}
	r := lineReader{t: tape{src: src, exact: limit >= 0}, end: fr.o.end(), max: 1<<63 - 1, limit: limit, least: 1, wait: w.flush}
	if fr.o.Max > 0 {
		r.max = fr.o.Max + 1
	}
	if fr.o.Exact {
		r.only = "expected one line, got more"
	}
	var p packer
	var header, payload []byte
	err := r.each(func(line []byte) (err error) {
		if fr.o.tooLong(int64(len(line))) {
			return inFrame(fr.o.over("payload"), r.lines)
		}
		if payload = line; fr.o.Exact {
			payload = bytes.Clone(line) // the next line is read before it is written
		}
		header, err = fr.header(header, int64(len(line)), &p)
		return inFrame(err, r.lines)
	}, func() error { return w.record(header, payload...) })
	if e, ok := err.(*DataError); ok && e.Line > 0 { // too long to be read
		err = inFrame(fr.o.over("payload"), e.Line)
	}
	w.count.Cut = p.cut
	return w.finish(r.t.read, err)
}
