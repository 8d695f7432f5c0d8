package pack

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
)

// String names the form, for diagnostics.
func (m Form) String() string {
	return [...]string{Raw: "raw", Hex: "hex", Base64: "base64", C: "c"}[m]
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *Form) UnmarshalText(text []byte) error {
	for *m = Raw; *m <= C; *m++ {
		if m.String() == string(text) {
			return nil
		}
	}
	return fmt.Errorf("unknown form %q: want raw, hex, base64 or c", text)
}

// appendForm appends one record in a form, as a line.
func appendForm(dst, record []byte, form Form) []byte {
	switch form {
	case Raw:
		return append(dst, record...)
	case Hex:
		dst = hex.AppendEncode(dst, record)
	case Base64:
		dst = base64.StdEncoding.AppendEncode(dst, record)
	case C:
		dst = slices.Grow(dst, 6*len(record))
		for i, c := range record {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = append(dst, '0', 'x', lowerHex[c>>4], lowerHex[c&15], ',')
		}
	}
	return append(dst, '\n')
}

// A formReader reads bytes that are written in a form. Line breaks are ignored; any
// other character that is not part of the form is an error. It reads no more
// characters than the requested bytes take.
type formReader struct {
	src    io.Reader
	form   Form
	buf    []byte // characters
	all    []byte // the memory that out reuses
	out    []byte // bytes that are still to be read
	offset int64  // of the next character
	unit   []byte // the beginning of a unit: two hex digits, four of base64, or 0xHH
	comma  bool   // a comma must come before the next 0xHH
	err    error
}

// NewFormReader returns a reader of the bytes that src holds in a form: src
// itself if that is Raw.
func NewFormReader(src io.Reader, form Form) io.Reader {
	if form == Raw {
		return src
	}
	return &formReader{src: src, form: form}
}

// Read implements [io.Reader].
func (r *formReader) Read(p []byte) (int, error) {
	for len(r.out) == 0 && r.err == nil && len(p) > 0 {
		size := r.least(len(p))
		if cap(r.buf) < size {
			r.buf = make([]byte, size)
		}
		k, err := r.src.Read(r.buf[:size])
		r.out = r.all[:0]
		bad := r.decode(r.buf[:k])
		r.all = r.out
		r.err = cmp.Or(bad, err)
		if r.err == io.EOF {
			r.err = r.finish()
		}
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	if n == 0 && len(p) > 0 {
		return 0, r.err
	}
	return n, nil
}

// unitSize is the number of characters of a unit.
func (r *formReader) unitSize() int {
	if r.form == Hex {
		return 2
	}
	return 4
}

// least is how many characters n bytes take at least.
func (r *formReader) least(n int) int {
	n = min(n, 32<<10)
	if r.form == Base64 {
		n = (n + 2) / 3
	}
	return max(n*r.unitSize()-len(r.unit), 1)
}

// decode appends the bytes that characters stand for to r.out.
func (r *formReader) decode(text []byte) error {
	for _, c := range text {
		r.offset++
		if r.skips(c) {
			continue
		}
		ok := r.fits(c)
		r.unit = append(r.unit, c)
		if ok && len(r.unit) == r.unitSize() {
			ok = r.take()
		}
		if !ok {
			return dataf("bad character %s in %s at offset %d", quote(string([]byte{c})), r.form, r.offset-1)
		}
	}
	return nil
}

// skips reports whether c is skipped: it separates units, or breaks a line of digits.
func (r *formReader) skips(c byte) bool {
	switch c {
	case '\n', '\r':
		return r.form != C || len(r.unit) == 0
	case ' ', '\t':
		return r.form == C && len(r.unit) == 0
	case ',':
		between := r.comma
		r.comma = false
		return between
	}
	return false
}

// fits reports whether c may be the next character of the unit. A unit of base64 may be
// padded wherever a record ended.
func (r *formReader) fits(c byte) bool {
	n := len(r.unit)
	switch {
	case r.form == Base64 && c == '=':
		return n >= 2
	case r.form == Base64 && n > 0 && r.unit[n-1] == '=':
		return false
	case r.form == Base64:
		return digitValue(c) < 36 || c == '+' || c == '/'
	case r.form == C && n == 0:
		return c == '0' && !r.comma
	case r.form == C && n == 1:
		return c == 'x' || c == 'X'
	}
	return digitValue(c) < 16
}

// strictBase64 refuses bits that are set behind the last byte.
var strictBase64 = base64.StdEncoding.Strict()

// take appends the bytes of a whole unit to r.out.
func (r *formReader) take() bool {
	unit := r.unit
	r.unit, r.comma = unit[:0], r.form == C
	var err error
	if r.form == Base64 {
		r.out, err = strictBase64.AppendDecode(r.out, unit)
		return err == nil
	}
	r.out, err = hex.AppendDecode(r.out, unit[len(unit)-2:])
	return err == nil
}

// finish checks that the input ended between two bytes.
func (r *formReader) finish() error {
	switch {
	case len(r.unit) == 0:
		return io.EOF
	case r.form == Hex:
		return dataf("odd number of hex digits: the last is at offset %d", r.offset-1)
	case r.form == Base64:
		return dataf("base64 ends within a group of four at offset %d", r.offset)
	}
	return dataf("c ends within a byte at offset %d", r.offset)
}
