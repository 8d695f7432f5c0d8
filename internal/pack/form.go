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
	state  formState
	err    error
}

// formState is what is known of a byte, or of a group of base64, so far.
type formState struct {
	bits  uint32
	n     int // digits, or characters of base64
	pads  int // '=' of base64
	token int // position within 0xHH,
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

// least is how many characters n bytes take at least.
func (r *formReader) least(n int) int {
	n = min(n, 32<<10)
	switch r.form {
	case Hex:
		return 2*n - r.state.n
	case Base64:
		return max((n+2)/3*4-r.state.n, 1)
	}
	return max(4*n-min(r.state.token, 3), 1)
}

// decode appends the bytes that characters stand for to r.out.
func (r *formReader) decode(text []byte) error {
	for _, c := range text {
		r.offset++
		if c == '\n' || c == '\r' {
			if r.form == C && r.state.token > 0 && r.state.token < 4 {
				return r.bad(c)
			}
			continue
		}
		var got [3]byte
		k := 0
		ok := false
		switch r.form {
		case Hex:
			k, ok = r.hex(c, &got)
		case Base64:
			k, ok = r.base64(c, &got)
		default:
			k, ok = r.c(c, &got)
		}
		if !ok {
			return r.bad(c)
		}
		r.out = append(r.out, got[:k]...)
	}
	return nil
}

func (r *formReader) bad(c byte) error {
	return dataf("bad character %s in %s at offset %d", quote(string([]byte{c})), r.form, r.offset-1)
}

func (r *formReader) hex(c byte, got *[3]byte) (int, bool) {
	d := digitValue(c)
	if d > 15 {
		return 0, false
	}
	s := &r.state
	s.bits = s.bits<<4 | uint32(d)
	if s.n ^= 1; s.n == 1 {
		return 0, true
	}
	got[0] = byte(s.bits)
	return 1, true
}

// c reads bytes as 0xHH, with commas and blanks between them.
func (r *formReader) c(c byte, got *[3]byte) (int, bool) {
	s := &r.state
	switch s.token {
	case 0, 4, 5: // before a byte; behind a byte; behind its comma
		switch {
		case c == ' ' || c == '\t':
			return 0, true
		case c == ',' && s.token == 4:
			s.token = 5
			return 0, true
		case c == '0' && s.token != 4:
			s.token = 1
			return 0, true
		}
		return 0, false
	case 1:
		s.token = 2
		return 0, c|0x20 == 'x'
	}
	d := digitValue(c)
	if d > 15 {
		return 0, false
	}
	s.bits = s.bits<<4 | uint32(d)
	if s.token++; s.token < 4 {
		return 0, true
	}
	got[0] = byte(s.bits)
	return 1, true
}

// base64 reads groups of four characters; a group may be padded wherever a
// record ended.
func (r *formReader) base64(c byte, got *[3]byte) (int, bool) {
	s := &r.state
	switch {
	case c == '=' && s.n >= 2:
		s.pads++
		s.bits <<= 6
	case s.pads > 0:
		return 0, false
	case c >= 'A' && c <= 'Z':
		s.bits = s.bits<<6 | uint32(c-'A')
	case c >= 'a' && c <= 'z':
		s.bits = s.bits<<6 | uint32(c-'a'+26)
	case c >= '0' && c <= '9':
		s.bits = s.bits<<6 | uint32(c-'0'+52)
	case c == '+' || c == '/':
		s.bits = s.bits<<6 | 62
		if c == '/' {
			s.bits |= 1
		}
	default:
		return 0, false
	}
	if s.n++; s.n < 4 {
		return 0, true
	}
	n := 3 - s.pads
	*got = [3]byte{byte(s.bits >> 16), byte(s.bits >> 8), byte(s.bits)}
	unused := s.bits & (1<<(8*s.pads) - 1)
	*s = formState{}
	return n, unused == 0
}

// finish checks that the input ended between two bytes.
func (r *formReader) finish() error {
	s := &r.state
	switch {
	case r.form == Hex && s.n > 0:
		return dataf("odd number of hex digits: the last is at offset %d", r.offset-1)
	case r.form == Base64 && s.n > 0:
		return dataf("base64 ends within a group of four at offset %d", r.offset)
	case r.form == C && s.token > 0 && s.token < 4:
		return dataf("c ends within a byte at offset %d", r.offset)
	}
	return io.EOF
}
