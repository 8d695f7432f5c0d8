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
	values []string
	at     int64 // the index of the length among the header's values
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
	fr := &Framer{f: f, o: o, Adjust: adjust, values: values}
	o.Form, o.JSON, o.Names = Raw, false, nil
	fr.e = NewEncoder(f, o)
	fr.at, _ = lengthAt(f)
	if want, _ := f.Values(); int64(len(values)) != want-1 {
		return nil, dataf("pack expected %d items for packing (got %d)", want-1, len(values))
	}
	var s scratch
	fields := fr.fields([]byte("0"))
	_, err := fr.e.record(nil, fields, &s)
	return fr, fr.renumber(err)
}

// fields are the values of the header with the length among them.
func (fr *Framer) fields(length []byte) []field {
	fields := make([]field, 0, len(fr.values)+1)
	for i, v := range fr.values {
		if int64(i) == fr.at {
			fields = append(fields, field{length, jsonNumber})
		}
		fields = append(fields, field{text: []byte(v)})
	}
	if fr.at == int64(len(fr.values)) {
		fields = append(fields, field{length, jsonNumber})
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
	var err error
	s.holes = s.holes[:0]
	strict := *fr.e
	// The length never wraps, whatever the other values do.
	if strict.o.Wrap {
		if err := fr.lengthFits(n); err != nil {
			return header, err
		}
	}
	header, err = strict.record(header[:0], fr.fields(appendInt(nil, n)), s)
	if err != nil {
		return header, fr.renumber(err)
	}
	if len(s.holes) == 0 && len(payload) < readyText && fr.o.Form == Raw {
		header = append(header, payload...)
		_, err = w.Write(header)
		w.count.Records++
		return header, err
	}
	w.forming.dst, w.forming.form = w, fr.o.Form
	if err := writeSparse(&w.forming, header, s.holes); err != nil {
		return header, err
	}
	if _, err := w.forming.Write(payload); err != nil {
		return header, err
	}
	w.count.Records++
	return header, w.forming.close()
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
	if err != nil {
		return w.counts(int64(len(payload))), err
	}
	if fr.o.tooLong(int64(len(payload))) {
		return w.counts(int64(len(payload))), dataf("frame 1: payload is over --max %d", fr.o.Max)
	}
	var s scratch
	_, err = fr.frame(&w, payload, &s, nil)
	return w.counts(int64(len(payload))), inFrame(err, 1)
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
	end := fr.o.end()
	longest := fr.o.Max
	if longest == 0 {
		longest = 1<<63 - 1
	}
	r := lineReader{src: src, end: end, max: longest + 1, limit: limit, exact: limit >= 0, least: 1}
	if fr.o.Max == 0 {
		r.max = longest
	}
	w := recordWriter{dst: dst, form: fr.o.Form}
	var s scratch
	var header []byte
	for r.lines != limit {
		line, err := r.next()
		if err == io.EOF {
			return w.counts(r.read), nil
		}
		if err == nil && fr.o.tooLong(int64(len(line))) {
			err = dataf("payload is over --max %d", fr.o.Max)
		}
		if err == nil {
			header, err = fr.frame(&w, line, &s, header)
		} else if e, ok := err.(*DataError); ok && e.Line > 0 {
			err = dataf("frame %d: payload is over --max %d", e.Line, fr.o.Max)
			return w.counts(r.read), err
		}
		if err != nil {
			return w.counts(r.read), inFrame(err, r.lines)
		}
		if fr.o.Exact && r.lines > 1 {
			return w.counts(r.read), dataf("expected one line, got more")
		}
	}
	return w.counts(r.read), nil
}
