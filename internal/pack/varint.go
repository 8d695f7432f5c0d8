package pack

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// maxVarint is the number of bytes that 64 bits take, seven in each.
const maxVarint = 10

// takeVarint reads a varint at the start of b; n is 0 if it is not complete.
func takeVarint(b []byte, form uint8) (w whole, n int, err *DataError) {
	var v uint64
	for i, c := range b {
		last := c < 0x80
		over := i == maxVarint-1 && (!last || form != sleb && form != vlq && c > 1 || form == sleb && c != 0 && c != 0x7f)
		if over || form == vlq && v>>57 != 0 {
			return whole{}, 0, dataf("varint of more than 64 bits")
		}
		if form == vlq {
			v = v<<7 | uint64(c&0x7f)
		} else {
			v |= uint64(c&0x7f) << (7 * i)
		}
		if !last {
			continue
		}
		switch {
		case form == sleb:
			if shift := 7 * (i + 1); shift < 64 && c&0x40 != 0 {
				v |= math.MaxUint64 << shift
			}
			return fromTwos(0, v, 64, true), i + 1, nil
		case form == zz:
			return fromTwos(0, v>>1^-(v&1), 64, true), i + 1, nil
		}
		return whole{lo: v}, i + 1, nil
	}
	return whole{}, 0, nil
}

// appendVarint writes v, which is in two's complement where the form is signed.
func appendVarint(dst []byte, v uint64, form uint8) []byte {
	switch form {
	case zz:
		return binary.AppendUvarint(dst, v<<1^uint64(int64(v)>>63))
	case sleb:
		for s := int64(v); ; {
			c := byte(s & 0x7f)
			s >>= 7
			if s == 0 && c&0x40 == 0 || s == -1 && c&0x40 != 0 {
				return append(dst, c)
			}
			dst = append(dst, c|0x80)
		}
	case vlq:
		shift := 63
		for shift > 0 && v>>shift == 0 {
			shift -= 7
		}
		for ; shift > 0; shift -= 7 {
			dst = append(dst, byte(v>>shift)|0x80)
		}
		return append(dst, byte(v)&0x7f)
	}
	return binary.AppendUvarint(dst, v)
}

// takeLength reads the integer it at the start of b; n is 0 if it is not
// complete.
func (it *item) takeLength(b []byte) (w whole, n int, err *DataError) {
	if it.kind == varint {
		return takeVarint(b, it.bits[0])
	}
	if len(b) < it.width {
		return whole{}, 0, nil
	}
	hi, lo := it.loadWide(b[:it.width])
	return fromTwos(hi, lo, 8*it.width, it.signed), it.width, nil
}

// lengthError is the error that w, a value of the item, is no valid length:
// length 1213486160 (0x48545450, "HTTP") is over --max 67108864.
func (it *item) lengthError(w whole, o *Options) *DataError {
	text := fmt.Sprintf("length %s", w.append(nil))
	if it.kind == integer && !w.negative {
		raw := it.store(nil, w.hi, w.lo, it.width)
		details := string(w.appendRadix(nil, 16, 8*len(raw)))
		if printable(raw) {
			details += fmt.Sprintf(", %q", raw)
		}
		text += " (" + details + ")"
	}
	switch {
	case w.negative:
		return dataf("%s is negative", text)
	case o.Max == 0:
		return dataf("%s is too large", text)
	}
	return o.over(text)
}

// printable reports whether raw is nothing but printable ASCII: text in place of a
// length.
func printable(raw []byte) bool {
	return len(raw) > 1 && bytes.IndexFunc(raw, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
