package pack

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
)

// element appends one element made of one value.
func (p *packer) element(dst []byte, it *item, v *field) ([]byte, error) {
	text, err := p.value(it, v)
	if err != nil {
		return dst, err
	}
	switch it.kind {
	case char, bytesOf, pascal, terminated, prefixed:
		return p.string(dst, it, text, v)
	case integer, varint:
		hi, lo, err := p.e.integer(it, v, text, it.bitSize())
		if err != nil {
			return dst, err
		}
		return it.appendInteger(dst, hi, lo), nil
	case float, complexNum:
		return p.e.float(dst, it, text)
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
		return it.appendWhole(dst, w, text)
	}
	return parseAddress(dst, it.kind, text)
}

// value is the text of a value without its escapes: in decoding, the separator may have
// been escaped in it, even if it is no string.
func (p *packer) value(it *item, v *field) ([]byte, error) {
	unquoted := v.kind == jsonNumber || v.kind == jsonBool
	switch {
	case v.kind == plain && !p.unescaped && !p.e.o.Raw && bytes.IndexByte(v.text, '\\') >= 0:
		var err error
		p.text, err = unescape(p.text[:0], v.text)
		return p.text, err
	case unquoted && it.kind == char:
		return nil, dataf("char format requires a bytes object of length 1, got %s", shownNumber(v.text))
	case unquoted && it.stringLike():
		return nil, dataf("argument for %s must be a bytes object, got %s", quote(it.Code), shownNumber(v.text))
	case v.kind == jsonBool && it.kind != truth:
		return nil, dataf("required argument is not %s, got %s", it.article(), shownNumber(v.text))
	}
	return v.text, nil
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

// zeros appends n NUL bytes.
func zeros(dst []byte, n int64) []byte {
	return append(dst, make([]byte, n)...)
}

// string appends the bytes of a value of a string code.
func (p *packer) string(dst []byte, it *item, text []byte, v *field) ([]byte, error) {
	size := int64(len(text))
	switch {
	case it.kind == char && size != 1:
		return dst, dataf("char format requires a bytes object of length 1, got %s", shown(v.text))
	case it.kind == terminated && bytes.IndexByte(text, 0) >= 0:
		return dst, dataf("'{z}' format requires bytes other than NUL, got %s", shown(v.text))
	case it.kind == terminated:
		return append(append(dst, text...), 0), nil
	case it.kind == prefixed:
		dst, err := it.length.appendLength(dst, size)
		if err != nil {
			return dst, err
		}
		return append(dst, text...), nil
	case it.kind == pascal:
		return p.pascal(dst, it, text)
	case it.kind == char || it.Rest || it.counter > 0:
		return append(dst, text...), nil
	}
	if err := p.cutTo(it, it.Count, size); err != nil {
		return dst, err
	}
	dst = append(dst, text[:min(size, it.Count)]...)
	return zeros(dst, max(it.Count-size, 0)), nil
}

// pascal appends a string behind one byte with its length, at most 255.
func (p *packer) pascal(dst []byte, it *item, text []byte) ([]byte, error) {
	size := it.Count
	if it.Rest {
		size = 1 + int64(min(len(text), 255))
	}
	room := max(size-1, 0)
	if err := p.cutTo(it, min(room, 255), int64(len(text))); err != nil || size == 0 {
		return dst, err
	}
	// As in Python, bytes behind the 255th are stored and not counted.
	text = text[:min(int64(len(text)), room)]
	dst = append(dst, byte(min(len(text), 255)))
	dst = append(dst, text...)
	return zeros(dst, room-int64(len(text))), nil
}

// cutTo counts a string of size bytes that is cut to room of them, or refuses it.
func (p *packer) cutTo(it *item, room, size int64) error {
	if size <= room {
		return nil
	}
	if p.e.o.Strict {
		return dataf("%s format requires at most %d bytes, got %d", quote(it.Code), room, size)
	}
	p.cut++
	return nil
}

// bitSize is the number of bits of an integer; a varint takes 64.
func (it *item) bitSize() int {
	if it.kind == varint {
		return 64
	}
	return 8 * it.width
}

// appendInteger appends an integer in two's complement.
func (it *item) appendInteger(dst []byte, hi, lo uint64) []byte {
	if it.kind == varint {
		return appendVarint(dst, lo, it.bits[0])
	}
	return it.store(dst, hi, lo, it.width)
}

// appendWhole appends an integer if it fits; text is how it was spelled.
func (it *item) appendWhole(dst []byte, w whole, text []byte) ([]byte, error) {
	if n := it.bitSize(); !w.fits(n, it.signed) {
		if text == nil {
			text = w.append(nil)
		}
		return dst, rangeError(it.Code, n, it.signed, text)
	}
	hi, lo := w.twos()
	return it.appendInteger(dst, hi, lo), nil
}

// appendLength appends n as the integer it, which must be able to hold it.
func (it *item) appendLength(dst []byte, n int64) ([]byte, error) {
	return it.appendWhole(dst, whole{lo: uint64(n)}, nil)
}

// integer reads an integer for n bits of it, in two's complement; text is v without escapes.
func (e *Encoder) integer(it *item, v *field, text []byte, n int) (hi, lo uint64, err error) {
	limit := uint64(math.MaxUint64) >> (64 - min(n, 64))
	if it.signed {
		limit >>= 1
	}
	if short, ok := parseShort(text); ok && short <= limit {
		return 0, short, nil // most are
	}
	w, ok := parseWhole(text)
	switch {
	case !ok:
		return 0, 0, dataf("required argument is not an integer, got %s", shown(text))
	case e.o.Wrap && v.kind != computed:
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

// rangeError is Python's error, with the value.
func rangeError(code string, n int, signed bool, text []byte) error {
	least, greatest := limits(n, signed)
	return dataf("%s format requires %s <= number <= %s, got %s", quote(code), least, greatest, shownNumber(text))
}

// float appends a float, or both of a complex number, rounded once from double.
func (e *Encoder) float(dst []byte, it *item, text []byte) ([]byte, error) {
	var v [2]float64
	var big, ok bool
	width, n := it.width, 1
	if it.kind == complexNum {
		v[0], v[1], big, ok = parseComplex(text)
		width, n = width/2, 2
	} else {
		v[0], big, ok = parseFloat(text)
	}
	if !ok {
		return dst, dataf("required argument is not %s, got %s", it.article(), shown(text))
	}
	for _, v := range v[:n] {
		b, fits := floatBits(v, width)
		if !fits && e.f.native && width == 4 {
			// C's cast of a double: Python's native f does the same.
			b, fits = uint64(math.Float32bits(float32(v))), true
		}
		if big || !fits {
			return dst, dataf("float too large to pack with %s format, got %s", it.Code, shownNumber(text))
		}
		dst = it.store(dst, 0, b, width)
	}
	return dst, nil
}

// store appends an integer of width bytes.
func (it *item) store(dst []byte, hi, lo uint64, width int) []byte {
	var b [16]byte
	if it.little {
		binary.LittleEndian.PutUint64(b[:], lo)
		binary.LittleEndian.PutUint64(b[8:], hi)
		return append(dst, b[:width]...)
	}
	binary.BigEndian.PutUint64(b[:], hi)
	binary.BigEndian.PutUint64(b[8:], lo)
	return append(dst, b[16-width:]...)
}
