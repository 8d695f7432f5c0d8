package pack

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
)

// An Encoder turns values into records. It keeps no state between records and
// can be used by several goroutines, each with its own [scratch].
type Encoder struct {
	f *Format
	o Options
	// fast is the fast path of lines, if there is one: it appends the records of the
	// lines that chunk begins with, up to the first that is anything but plain, and
	// returns how many bytes and lines it took.
	fast func(dst, chunk []byte, s *scratch) ([]byte, int, int64)
}

// NewEncoder prepares the encoding of records of f.
func NewEncoder(f *Format, o Options) *Encoder {
	e := &Encoder{f: f, o: o}
	switch {
	case !e.plain():
	case f.isLone():
		e.fast = e.loneIntegers
	default:
		e.fast = e.fastLines
	}
	return e
}

// A field is one value as it was read.
type field struct {
	text []byte
	kind fieldKind
}

type fieldKind uint8

const (
	plain      fieldKind = iota // a word, with escapes
	jsonText                    // a JSON string, or base64: the bytes themselves
	jsonNumber                  // a JSON number
	jsonBool                    // true or false
	jsonCount                   // of a list: a number that JSON does not show
)

// A scratch is what an encoder needs besides the record.
type scratch struct {
	fields []field
	text   []byte // strings without their escapes
	line   []byte // a record in its form
	cut    int64  // strings that were cut
	// unescaped is set when it is known that no field has an escape.
	unescaped bool
	// leading is set when a record takes the first of its fields, as many as it needs;
	// s.p.v is then how many.
	leading bool

	json    jsonParser
	members []int   // where the members of JSON objects are, 0 is not known
	places  []place // the integers that JSON does not show
	p       packing
}

// largestRecord is the size in bytes of the largest record made without a limit: 1 TiB,
// or half of what an int can count.
const largestRecord = min(1<<40, math.MaxInt/2)

// zeros appends n NUL bytes.
func zeros(dst []byte, n int64) []byte {
	return append(dst, make([]byte, n)...)
}

// record appends one record made of fields. On an error nothing is appended.
func (e *Encoder) record(dst []byte, fields []field, s *scratch) ([]byte, error) {
	if err := e.expect(fields); err != nil {
		return dst, err
	}
	if e.o.tooLong(e.f.size) || e.f.size > largestRecord {
		return dst, e.recordTooLong(e.f.size)
	}
	start, cut := len(dst), s.cut
	p := &s.p
	p.e, p.s, p.fields, p.start, p.lengths = e, s, fields, start, p.lengths[:0]
	if len(p.counts) < e.f.slots {
		p.counts = make([]count, e.f.slots)
	}
	// An integer in front of a string that holds its length is known only after the
	// string: so the record is made twice.
	var err error
	out := dst
	for p.measuring = e.f.sized; ; p.measuring = false {
		p.v, p.from, p.length, s.cut = 0, start, 0, cut
		if out, err = p.sequence(dst, &e.f.sequence); err != nil || !p.measuring {
			break
		}
	}
	if err == nil && p.v < len(fields) && !s.leading {
		err = dataf("pack expected %d items for packing (got %d)", visible(fields, p.v), visible(fields, len(fields)))
	}
	if n := int64(len(out) - start); err == nil && e.o.tooLong(n) {
		err = e.recordTooLong(n)
	}
	if err != nil {
		s.cut = cut
		return dst[:start], err
	}
	return out, nil
}

func (e *Encoder) recordTooLong(n int64) error {
	if e.o.Max == 0 {
		return dataf("record of %d bytes is too large", n)
	}
	return e.o.over(fmt.Sprintf("record of %d bytes", n))
}

// visible is how many of the first n fields the line has: JSON does not show counts.
func visible(fields []field, n int) int {
	seen := n
	for _, f := range fields[:min(n, len(fields))] {
		if f.kind == jsonCount {
			seen--
		}
	}
	return seen
}

// asShown makes the number of err's value that among the values which JSON shows.
func asShown(err error, fields []field) error {
	e, ok := err.(*DataError)
	if !ok || e.Value == 0 {
		return err
	}
	if n := int(e.Value); n <= len(fields) && fields[n-1].kind == jsonCount {
		e.Why = fmt.Sprintf("list of %s elements: %s", fields[n-1].text, e.Why)
		e.Value = 0
	} else {
		e.Value = int64(visible(fields, n))
	}
	return err
}

// expect checks the number of values of one record.
func (e *Encoder) expect(fields []field) error {
	n := int64(len(fields))
	want, fixed := e.f.Values()
	if fixed && n != want {
		return dataf("pack expected %d items for packing (got %d)", want, n)
	}
	if fixed {
		return nil
	}
	if n < want {
		return dataf("pack expected at least %d items for packing (got %d)", visible(fields, int(want)), visible(fields, int(n)))
	}
	return nil
}

// element appends one element made of one value.
func (e *Encoder) element(dst []byte, it *item, v *field, s *scratch) ([]byte, error) {
	switch it.kind {
	case char, bytesOf, pascal, terminated, prefixed:
		text, err := e.bytes(it, v, s)
		if err != nil {
			return dst, err
		}
		return e.string(dst, it, text, v, s)
	}
	text, err := e.word(it, v, s)
	if err != nil {
		return dst, err
	}
	switch it.kind {
	case integer:
		hi, lo, err := e.integer(it, text, 8*it.width)
		if err != nil {
			return dst, err
		}
		return it.store(dst, hi, lo, it.width), nil
	case varint:
		_, lo, err := e.integer(it, text, 64)
		if err != nil {
			return dst, err
		}
		return appendVarint(dst, lo, it.bits[0]), nil
	case float:
		return e.float(dst, it, text)
	case complexNum:
		return e.complex(dst, it, text)
	case truth:
		switch string(text) {
		case "1", "true":
			return append(dst, 1), nil
		case "0", "false":
			return append(dst, 0), nil
		}
		return dst, dataf("'?' format requires 0, 1, true or false, got %s", shown(text))
	case hexBytes:
		out, err := hex.AppendDecode(dst, text)
		if err != nil || len(text) != 2*it.width {
			return dst, dataf("%s format requires %d hex digits, got %s", quote(it.Code), 2*it.width, shown(text))
		}
		return out, nil
	case instant:
		w, ok := parseInstant(text)
		if !ok {
			return dst, dataf("required argument is not a time (2026-11-20T12:00:00Z), got %s", shown(text))
		}
		if !w.fits(8*it.width, it.signed) {
			return dst, rangeError(it.Code, 8*it.width, it.signed, text)
		}
		hi, lo := w.twos()
		return it.store(dst, hi, lo, it.width), nil
	}
	return parseAddress(dst, it.kind, text)
}

// bytes is a string value without its escapes.
func (e *Encoder) bytes(it *item, v *field, s *scratch) ([]byte, error) {
	switch {
	case v.kind == jsonNumber || v.kind == jsonBool:
		if it.kind == char {
			return nil, dataf("char format requires a bytes object of length 1, got %s", shownNumber(v.text))
		}
		return nil, dataf("argument for %s must be a bytes object, got %s", quote(it.Code), shownNumber(v.text))
	case v.kind == jsonText || e.o.Raw || s.unescaped || bytes.IndexByte(v.text, '\\') < 0:
		return v.text, nil
	}
	text, err := unescape(s.text[:0], v.text)
	s.text = text
	return text, err
}

// word is the text of a value that is no string, without escapes: decoding may have had
// to escape the separator in it.
func (e *Encoder) word(it *item, v *field, s *scratch) ([]byte, error) {
	if v.kind == jsonBool && it.kind != truth {
		return nil, dataf("required argument is not %s, got %s", it.article(), shownNumber(v.text))
	}
	if v.kind != plain || e.o.Raw || s.unescaped || bytes.IndexByte(v.text, '\\') < 0 {
		return v.text, nil
	}
	text, err := unescape(s.text[:0], v.text)
	s.text = text
	return text, err
}

// article names what a value of the item must be.
func (it *item) article() string {
	switch it.kind {
	case float:
		return "a float"
	case complexNum:
		return "a complex"
	case integer, varint, bitfield:
		return "an integer"
	}
	return "a string"
}

// string appends the bytes of a value of a string code.
func (e *Encoder) string(dst []byte, it *item, text []byte, v *field, s *scratch) ([]byte, error) {
	switch it.kind {
	case char:
		if len(text) != 1 {
			return dst, dataf("char format requires a bytes object of length 1, got %s", shown(v.text))
		}
		return append(dst, text[0]), nil
	case terminated:
		if bytes.IndexByte(text, 0) >= 0 {
			return dst, dataf("'{z}' format requires bytes other than NUL, got %s", shown(v.text))
		}
		return append(append(dst, text...), 0), nil
	case prefixed:
		return e.prefixed(dst, it, text)
	case pascal:
		return e.pascal(dst, it, text, s)
	}
	if it.Rest || it.counter > 0 {
		return append(dst, text...), nil
	}
	if int64(len(text)) > it.Count {
		if e.o.Strict {
			return dst, dataf("'s' format requires at most %d bytes, got %d", it.Count, len(text))
		}
		text = text[:it.Count]
		s.cut++
	}
	dst = append(dst, text...)
	return zeros(dst, it.Count-int64(len(text))), nil
}

// pascal appends a string behind one byte with its length, at most 255.
func (e *Encoder) pascal(dst []byte, it *item, text []byte, s *scratch) ([]byte, error) {
	size := it.Count
	if it.Rest {
		size = 1 + int64(min(len(text), 255))
	}
	room := max(size-1, 0)
	if e.o.Strict && int64(len(text)) > min(room, 255) {
		return dst, dataf("'p' format requires at most %d bytes, got %d", min(room, 255), len(text))
	}
	if int64(len(text)) > min(room, 255) {
		s.cut++
	}
	if size == 0 {
		return dst, nil
	}
	// As in Python, bytes behind the 255th are stored and not counted.
	text = text[:min(int64(len(text)), room)]
	dst = append(dst, byte(min(len(text), 255)))
	dst = append(dst, text...)
	return zeros(dst, room-int64(len(text))), nil
}

// prefixed appends a string behind its length.
func (e *Encoder) prefixed(dst []byte, it *item, text []byte) ([]byte, error) {
	dst, err := it.length.appendLength(dst, int64(len(text)))
	if err != nil {
		return dst, err
	}
	return append(dst, text...), nil
}

// appendLength appends n as the integer it, which must be able to hold it.
func (it *item) appendLength(dst []byte, n int64) ([]byte, error) {
	w := fromTwos(0, uint64(n), 64, true)
	if it.kind == varint {
		if !w.fits(64, it.signed) {
			return dst, rangeError(it.Code, 64, it.signed, strconv.AppendInt(nil, n, 10))
		}
		return appendVarint(dst, uint64(n), it.bits[0]), nil
	}
	if !w.fits(8*it.width, it.signed) {
		return dst, rangeError(it.Code, 8*it.width, it.signed, strconv.AppendInt(nil, n, 10))
	}
	hi, lo := w.twos()
	return it.store(dst, hi, lo, it.width), nil
}

// integer reads an integer for n bits of it, in two's complement.
func (e *Encoder) integer(it *item, text []byte, n int) (hi, lo uint64, err error) {
	if v, ok := parseShort(text); ok && v <= math.MaxUint64>>(64-min(n, 64))>>it.sign() {
		return 0, v, nil // most are
	}
	w, ok := parseWhole(text)
	switch {
	case !ok:
		return 0, 0, dataf("required argument is not an integer, got %s", shown(text))
	case e.o.Wrap:
	case it.pointer:
		if !w.fits(n, false) && !w.fits(n, true) {
			return 0, 0, dataf("int too large to convert, got %s", shownNumber(text))
		}
	case !w.fits(n, it.signed):
		return 0, 0, rangeError(it.Code, n, it.signed, text)
	}
	hi, lo = w.twos()
	return hi, lo, nil
}

// sign is how many bits hold the sign of an integer.
func (it *item) sign() int {
	if it.signed {
		return 1
	}
	return 0
}

// rangeError is Python's error, with the value.
func rangeError(code string, n int, signed bool, text []byte) error {
	least, greatest := limits(n, signed)
	return dataf("%s format requires %s <= number <= %s, got %s", quote(code), least, greatest, shownNumber(text))
}

// float appends a float, rounded once from double.
func (e *Encoder) float(dst []byte, it *item, text []byte) ([]byte, error) {
	v, big, ok := parseFloat(text)
	if !ok {
		return dst, dataf("required argument is not a float, got %s", shown(text))
	}
	return e.double(dst, it, v, big, it.width, text)
}

func (e *Encoder) complex(dst []byte, it *item, text []byte) ([]byte, error) {
	re, im, big, ok := parseComplex(text)
	if !ok {
		return dst, dataf("required argument is not a complex, got %s", shown(text))
	}
	dst, err := e.double(dst, it, re, big, it.width/2, text)
	if err != nil {
		return dst, err
	}
	return e.double(dst, it, im, big, it.width/2, text)
}

func (e *Encoder) double(dst []byte, it *item, v float64, big bool, width int, text []byte) ([]byte, error) {
	b, ok := floatBits(v, width)
	if !ok && e.f.native && width == 4 {
		// C's cast of a double: Python's native f does the same.
		b, ok = uint64(math.Float32bits(float32(v))), true
	}
	if !ok || big {
		return dst, dataf("float too large to pack with %s format, got %s", it.Code, shownNumber(text))
	}
	return it.store(dst, 0, b, width), nil
}
