package pack

import (
	"bytes"
	"slices"
)

// quick reports whether records can be written with one look at the room that is
// left: plain integers, floats, flags and short strings, one byte between them.
// The room is the most text that a record can have.
func (d *Decoder) quick() (room int, ok bool) {
	if d.o.Offsets || d.o.JSON || d.o.Shell || d.o.Raw || d.sep != 0 || len(d.tail) != 1 || len(d.o.separator()) != 1 || !d.f.fixed {
		return 0, false
	}
	for i := range d.ops {
		p := &d.ops[i]
		switch p.kind {
		case pad:
			continue
		case integer:
			if !p.plain || p.width&(p.width-1) != 0 {
				return 0, false
			}
			room += uintRoom
		case float:
			room += floatRoom
		case truth:
			room++
		case char, bytesOf:
			room += 1 + 4*int(min(p.Count, smallRecord))
		default:
			return 0, false
		}
		if p.kind != bytesOf && p.Count != 1 || p.Count > 1024 || len(p.before) > 1 {
			return 0, false
		}
	}
	return room + uintRoom, true
}

// quickRecords writes all records of a chunk; room is what quick returned.
func (d *Decoder) quickRecords(dst, chunk []byte, room int) []byte {
	size := int(d.f.size)
	for len(chunk) >= size {
		if cap(dst)-len(dst) < room {
			dst = slices.Grow(dst, room+len(chunk))
		}
		dst = d.quickRecord(dst, chunk[:size:size])
		chunk = chunk[size:]
	}
	return dst
}

// quickRecord writes one record; dst has room for it.
func (d *Decoder) quickRecord(dst, rec []byte) []byte {
	for i := range d.ops {
		p := &d.ops[i]
		if p.kind == pad {
			continue
		}
		if len(p.before) > 0 {
			dst = append(dst, p.before[0])
		}
		b := rec[p.offset:]
		switch p.kind {
		case integer:
			n := len(dst)
			dst = dst[:n+putInteger(dst[n:n+uintRoom], d.f.load(b[:p.width]), uint(p.width), p.signed)]
		case float:
			dst = appendFloat(dst, floatOf(d.f.load(b[:p.width]), p.width), p.width)
		case truth:
			dst = append(dst, '0'+byte((uint(b[0])+255)>>8))
		case char:
			dst, _ = p.escape.append(dst, b[:1], true)
		default:
			b = b[:p.Count]
			if d.o.Trim {
				b = bytes.TrimRight(b, "\x00")
			}
			dst, _ = p.escape.append(dst, b, true)
		}
	}
	return append(dst, d.tail[0])
}

// putInteger writes an integer of width bytes at the start of b, which has
// uintRoom bytes: its sign, without a branch on it, and its digits.
func putInteger(b []byte, v uint64, width uint, signed bool) int {
	if !signed {
		return putUint(b, v)
	}
	shift := 64 - 8*width
	s := int64(v<<shift) >> shift
	sign := uint64(s >> 63)
	b[0] = '-'
	k := int(sign & 1)
	return k + putUint(b[k:k+uintRoom-1], (uint64(s)^sign)-sign)
}
