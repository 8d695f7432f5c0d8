package pack

import (
	"bytes"
	"fmt"
	"io"
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

// value is the index of the value that is the length.
func (h *Header) value() int64 {
	it := &h.f.items[h.item]
	return it.first + it.elements*it.perElement - 1
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
	fr.at = h.value()
	if want, _ := h.f.Values(); int64(len(values)) != want-1 {
		return nil, dataf("pack expected %d items for packing (got %d)", want-1, len(values))
	}
	fr.length = append(fr.length, '0')
	fr.fields = headerFields(values, fr.at)
	fr.fields[fr.at].text = fr.length
	var s packer
	_, err := fr.e.record(nil, fr.fields, &s)
	return fr, fr.renumber(err)
}

// headerFields are the values of a header with an empty field for the length at index
// at.
func headerFields(values []string, at int64) []field {
	return slices.Insert(operands(values), int(at), field{kind: jsonNumber})
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

// frame writes one frame.
func (fr *Framer) frame(w *recordWriter, payload []byte, s *packer, header []byte) ([]byte, error) {
	n := int64(len(payload)) + fr.adjust
	if n < 0 {
		return header, dataf("length %d is negative", n)
	}
	// The length never wraps, whatever the other values do.
	if fr.o.Wrap {
		if err := fr.lengthFits(n); err != nil {
			return header, err
		}
	}
	var err error
	fr.length = strconv.AppendInt(fr.length[:0], n, 10)
	fr.fields[fr.at].text = fr.length
	header, err = fr.e.record(header[:0], fr.fields, s)
	if err != nil {
		return header, fr.renumber(err)
	}
	return header, w.record(header, payload...)
}

// lengthFits checks a length against the item that is to hold it.
func (fr *Framer) lengthFits(n int64) error {
	it := &fr.h.f.items[fr.h.item]
	e := Encoder{f: fr.h.f}
	width := 8 * it.width
	switch it.kind {
	case varint:
		width = 64
	case bitfield:
		width = int(it.bits[len(it.bits)-1])
	}
	_, _, err := e.integer(it, strconv.AppendInt(nil, n, 10), width)
	return err
}

// Frame reads all of src and writes it as one frame.
func (fr *Framer) Frame(dst io.Writer, src io.Reader) (Counts, error) {
	w := recordWriter{output{dst: dst}, fr.o.Form}
	payload, err := readLimited(src, fr.o.Max)
	if err == nil && fr.o.tooLong(int64(len(payload))) {
		err = fr.o.over("frame 1: payload")
	}
	if err == nil {
		var s packer
		_, err = fr.frame(&w, payload, &s, nil)
		err = inFrame(err, 1)
	}
	return w.finish(int64(len(payload)), err)
}

// readLimited reads to the end, but not much more than limit bytes.
func readLimited(src io.Reader, limit int64) ([]byte, error) {
	var buf bytes.Buffer
	if limit > 0 && limit < 1<<63-1 {
		src = io.LimitReader(src, limit+1)
	}
	_, err := buf.ReadFrom(src)
	if err != nil {
		err = asReadError(err)
	}
	return buf.Bytes(), err
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
	err := fr.eachLine(&w, &r)
	return w.finish(r.t.read, err)
}

// eachLine frames the lines of r.
func (fr *Framer) eachLine(w *recordWriter, r *lineReader) error {
	var s packer
	var header []byte
	for r.lines != r.limit {
		line, err := r.next()
		if err == io.EOF {
			return nil
		}
		if e, ok := err.(*DataError); ok && e.Line > 0 || err == nil && fr.o.tooLong(int64(len(line))) {
			n := r.lines
			if err != nil {
				n = e.Line
			}
			return inFrame(fr.o.over("payload"), n)
		}
		if err != nil {
			return err
		}
		if fr.o.Exact {
			// Nothing is written before it is known to be the only one.
			line = bytes.Clone(line)
			if _, err := r.next(); err == nil {
				return moref("expected one line, got more")
			} else if err != io.EOF {
				return err
			}
		}
		if header, err = fr.frame(w, line, &s, header); err != nil {
			return inFrame(err, r.lines)
		}
	}
	return nil
}
