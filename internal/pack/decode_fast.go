package pack

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// The fast path of decoding: records of integers, floats, flags and short strings as
// plain text, with a separator of one byte. Elements of groups with such items take
// it too.

// floatRoom is the most text that a float takes.
const floatRoom = 32

// fastRoom is the most text that one record, or element, of l can have on the fast
// path, 0 if the level cannot take the fast path.
func (d *Decoder) fastRoom(l *level) int {
	if d.o.Offsets || d.o.JSON || d.o.Shell || d.o.Raw || d.o.Explain || d.special != 0 || len(d.separator) != 1 || !l.fixed {
		return 0
	}
	room := uintRoom
	for i := range l.ops {
		p := &l.ops[i]
		if p.Count > 1024 || p.slot > 0 {
			return 0
		}
		each := 0
		switch p.kind {
		case pad:
		case integer:
			if !p.plain || p.width&(p.width-1) != 0 {
				return 0
			}
			each = uintRoom
		case float:
			each = floatRoom
		case truth:
			each = 1
		case char, bytesOf:
			each = 4
		default:
			return 0
		}
		room += (each + 1) * int(p.Count+1)
	}
	return room
}

// fastRecords writes all records of a chunk.
func (d *Decoder) fastRecords(dst, chunk []byte, _ int64) []byte {
	size := int(d.f.size)
	for len(chunk) >= size {
		if cap(dst)-len(dst) < d.room {
			dst = slices.Grow(dst, d.room+len(chunk))
		}
		start := len(dst)
		dst = d.fastValues(dst, &d.level, chunk[:size:size])
		if len(dst) > start {
			dst = dst[:len(dst)-1]
		}
		dst = append(dst, d.tail[0])
		chunk = chunk[size:]
	}
	return dst
}

// fastValues writes the values of one record or element, each with the separator
// behind it; dst has room for them.
func (d *Decoder) fastValues(dst []byte, l *level, b []byte) []byte {
	separator := d.separator[0]
	for i := range l.ops {
		p := &l.ops[i]
		b = b[p.padding:]
		switch p.kind {
		case pad:
			b = b[p.Count:]
			continue
		case bytesOf:
			text := b[:p.Count]
			if d.o.Trim {
				text = bytes.TrimRight(text, "\x00")
			}
			dst, _ = p.escape.append(dst, text, true)
			dst = append(dst, separator)
			b = b[p.Count:]
			continue
		}
		for range p.Count {
			switch p.kind {
			case integer:
				n := len(dst)
				dst = dst[:n+putInteger(dst[n:n+uintRoom], p.load(b[:p.width]), uint(p.width), p.signed)]
			case float:
				dst = appendFloat(dst, floatOf(p.load(b[:p.width]), p.width), p.width)
			case truth:
				dst = append(dst, '0'+byte((uint(b[0])+255)>>8))
			default:
				dst, _ = p.escape.append(dst, b[:1], true)
			}
			dst = append(dst, separator)
			b = b[p.width:]
		}
	}
	return dst
}

// elements writes the next elements of a group that are complete in b, and returns how
// many bytes they take.
func (c *cursor) elements(dst, b []byte) ([]byte, int) {
	size := int(c.l.size)
	n := int64(len(b) / size)
	if c.count >= 0 {
		n = min(n, c.count-c.number)
	}
	if n == 0 {
		return dst, 0
	}
	dst = c.separate(dst)
	start := len(dst)
	for range n {
		if cap(dst)-len(dst) < c.l.room {
			dst = slices.Grow(dst, c.l.room+len(b))
		}
		dst = c.d.fastValues(dst, c.l, b[:size:size])
		b = b[size:]
	}
	c.number += n
	c.at += n * int64(size)
	if dst = dst[:len(dst)-1]; len(dst) < start {
		c.comma = false // there was no value
	}
	if c.count < 0 {
		c.mark = len(dst)
	}
	return dst, int(n) * size
}

// isLone reports whether the format is nothing but one unsigned integer of four
// bytes: the format that speed matters most for.
func (d *Decoder) isLone() bool {
	return d.room > 0 && d.f.isLone()
}

// loneIntegers writes integers of four bytes, one a line. It begins with the last
// line and writes each with all ten digits, in front of the one before: the
// leading zeros are then overwritten by the line in front of them. The result
// does not begin where dst does.
func (d *Decoder) loneIntegers(dst, chunk []byte) []byte {
	little, end := d.ops[0].little, d.tail[0]
	chunk = chunk[:len(chunk)&^3]
	need := len(chunk)/4*11 + 16 // the longest lines, and what the first one writes in front of itself
	if cap(dst) < need {
		dst = make([]byte, need)
	}
	out := dst[:need]
	at := need
	for n := len(chunk); n >= 4; n -= 4 {
		v := binary.LittleEndian.Uint32(chunk[n-4 : n])
		if !little {
			v = bits.ReverseBytes32(v)
		}
		q := v / 10_000
		top := q / 10_000 // at most 42
		middle := q - 10_000*top
		digits := uint64(fours[middle&(1<<14-1)]) | uint64(fours[(v-10_000*q)&(1<<14-1)])<<32
		line := out[at-16 : at : at]
		line[15] = end
		binary.LittleEndian.PutUint64(line[7:], digits+asciiZeros)
		binary.LittleEndian.PutUint16(line[5:], pairs[top&127])
		at -= lineLength(v)
	}
	return out[at:]
}

// lengths makes lineLength: for each number of bits, 2^32 times the length of the
// line of the least such number, so corrected that adding any such number carries
// into the upper half exactly when it has one digit more.
var lengths = func() (t [33]uint64) {
	power := uint64(10)
	digits := uint64(1)
	for n := range t {
		greatest := uint64(1)<<n - 1
		if greatest >= power {
			// Within these numbers the next digit begins, at power.
			t[n] = (digits+2)<<32 - power
			power *= 10
			digits++
			continue
		}
		t[n] = (digits + 1) << 32
	}
	return t
}()

// lineLength is how many digits v has, and one.
func lineLength(v uint32) int {
	return int((lengths[bits.Len32(v)] + uint64(v)) >> 32)
}
