package pack

import (
	"bytes"
	"fmt"
	"io"
)

// A Framer puts a header in front of payloads; the last integer of the header is
// the payload's length.
type Framer struct {
	f *Format
	o Options
	// Adjust is added to the length of the payload, for headers that count more
	// than it.
	Adjust int64

	e      *Encoder
	fields []field // the values of the header, the length among them
	at     int64   // the index of the length
	length []byte  // its text
}

// largeHeader is the size of the largest header.
const largeHeader = 1 << 20

// lengthAt finds the last integer of f: the index of its value.
func lengthAt(f *Format) (int64, bool) {
	for i := len(f.Items) - 1; i >= 0; i-- {
		it := &f.Items[i]
		if n := it.elements() * it.perElement(); it.isInteger() && n > 0 {
			return it.first + n - 1, true
		}
	}
	return 0, false
}

// CheckHeader reports why f cannot be the header of a frame.
func CheckHeader(f *Format) error {
	if f.rest {
		return fmt.Errorf("%s takes all that is left: it cannot be a header", quote(f.Text))
	}
	if f.size > largeHeader {
		return fmt.Errorf("%s is larger than a header may be, %d bytes", quote(f.Text), largeHeader)
	}
	if _, ok := lengthAt(f); !ok {
		return fmt.Errorf("%s has no integer for the length", quote(f.Text))
	}
	return nil
}

// NewFramer prepares a framer whose headers have the given values, in order, the
// length not among them. They are checked at once. Its format must have passed
// [CheckHeader].
func NewFramer(f *Format, o Options, adjust int64, values []string) (*Framer, error) {
	fr := &Framer{f: f, o: o, Adjust: adjust}
	o.Form, o.JSON, o.Names = Raw, false, nil
	fr.e = NewEncoder(f, o)
	fr.at, _ = lengthAt(f)
	if want, _ := f.Values(); int64(len(values)) != want-1 {
		return nil, dataf("pack expected %d items for packing (got %d)", want-1, len(values))
	}
	fr.length = append(fr.length, '0')
	fr.fields = headerFields(values, fr.at)
	fr.fields[fr.at].text = fr.length
	var s scratch
	_, err := fr.e.record(nil, fr.fields, &s)
	return fr, fr.renumber(err)
}

// headerFields are the values of a header with an empty place for the length at
// index at.
func headerFields(values []string, at int64) []field {
	fields := make([]field, 0, len(values)+1)
	for _, v := range values {
		if int64(len(fields)) == at {
			fields = append(fields, field{kind: jsonNumber})
		}
		fields = append(fields, field{text: []byte(v)})
	}
	if int64(len(fields)) == at {
		fields = append(fields, field{kind: jsonNumber})
	}
	return fields
}

// renumber makes the value that err is about one of the operands.
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
func (fr *Framer) frame(w *recordWriter, payload []byte, s *scratch, header []byte) ([]byte, error) {
	n := int64(len(payload)) + fr.Adjust
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
	s.holes = s.holes[:0]
	fr.length = appendInt(fr.length[:0], n)
	fr.fields[fr.at].text = fr.length
	header, err = fr.e.record(header[:0], fr.fields, s)
	if err != nil {
		return header, fr.renumber(err)
	}
	return header, w.record(header, s.holes, payload...)
}

// lengthFits checks a length against the item that is to hold it.
func (fr *Framer) lengthFits(n int64) error {
	for i := len(fr.f.Items) - 1; i >= 0; i-- {
		it := &fr.f.Items[i]
		if !it.isInteger() || it.elements() == 0 {
			continue
		}
		e := Encoder{f: fr.f}
		width := 8 * it.width
		switch it.kind {
		case varint:
			width = 64
		case bitfield:
			width = int(it.bits[len(it.bits)-1])
		}
		_, err := e.integer(it, appendInt(nil, n), width)
		return err
	}
	return nil
}

// Frame reads all of src and writes it as one frame.
func (fr *Framer) Frame(dst io.Writer, src io.Reader) (Counts, error) {
	w := recordWriter{dst: dst, form: fr.o.Form}
	payload, err := readLimited(src, fr.o.Max)
	if err == nil && fr.o.tooLong(int64(len(payload))) {
		err = dataf("frame 1: payload is over --max %d", fr.o.Max)
	}
	if err == nil {
		var s scratch
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

// inFrame says which frame an error about its data is about.
func inFrame(err error, n int64) error {
	if e, ok := err.(*DataError); ok {
		return dataf("frame %d: %s", n, e.Error())
	}
	return err
}

// FrameLines frames each line of src without its end, or limit of them if that
// is not negative.
func (fr *Framer) FrameLines(dst io.Writer, src io.Reader, limit int64) (Counts, error) {
	w := recordWriter{dst: dst, form: fr.o.Form}
	r := lineReader{src: src, end: fr.o.end(), max: 1<<63 - 1, limit: limit, exact: limit >= 0, least: 1, wait: w.flush}
	if fr.o.Max > 0 {
		r.max = fr.o.Max + 1
	}
	err := fr.eachLine(&w, &r)
	return w.finish(r.read, err)
}

// eachLine frames the lines of r.
func (fr *Framer) eachLine(w *recordWriter, r *lineReader) error {
	var s scratch
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
			return dataf("frame %d: payload is over --max %d", n, fr.o.Max)
		}
		if err != nil {
			return err
		}
		if fr.o.Exact {
			// Nothing is written before it is known to be the only one.
			line = bytes.Clone(line)
			if _, err := r.next(); err == nil {
				return dataf("expected one line, got more")
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
