package pack

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// lone returns the operation of a format that is nothing but one decimal integer
// a line, nil for any other: the format that speed matters most for.
func (d *Decoder) lone() *op {
	if len(d.ops) != 1 || d.o.Offsets || d.o.JSON || d.o.Shell {
		return nil
	}
	p := &d.ops[0]
	if !p.plain || p.Count != 1 || p.Rest || p.each != nil || len(d.tail) != 1 {
		return nil
	}
	switch p.width {
	case 1, 2, 4, 8:
		return p
	}
	return nil
}

// integerLines writes the integers of a chunk, one a line.
func (d *Decoder) integerLines(dst, chunk []byte, p *op) []byte {
	if p.width == 4 && !p.signed {
		return uint32Lines(dst, chunk, d.f.little, d.tail[0])
	}
	width, shift := p.width, 64-8*uint(p.width)
	end := d.tail[0]
	n := len(dst)
	// The longest line is that of the least number of 64 bits: 21 bytes.
	dst = slices.Grow(dst, len(chunk)/width*21+2*uintRoom)
	out := dst[:cap(dst)]
	for len(chunk) >= width {
		v := d.f.load(chunk[:width])
		chunk = chunk[width:]
		b := out[n : n+uintRoom+1]
		if p.signed {
			s := int64(v<<shift) >> shift
			// Branchless: half of all numbers are negative.
			sign := uint64(s >> 63)
			b[0] = '-'
			b = b[sign&1:]
			n += int(sign & 1)
			v = uint64(s)&^sign | -uint64(s)&sign
		}
		k := putUint(b[:uintRoom], v)
		b[k] = end
		n += k + 1
	}
	return out[:n]
}

// uint32Lines is integerLines for the codes I and L.
func uint32Lines(dst, chunk []byte, little bool, end byte) []byte {
	n := len(dst)
	dst = slices.Grow(dst, len(chunk)/4*11+16)
	out := dst[:cap(dst)]
	swap := !little
	lineEnd := uint64(end)<<16 | 0x3030
	for len(chunk) >= 4 {
		v := binary.LittleEndian.Uint32(chunk)
		chunk = chunk[4:]
		if swap {
			v = bits.ReverseBytes32(v)
		}
		b := out[n : n+16 : n+16]
		// Ten digits and the end of the line in two words, the first digit lowest.
		q := v / 10_000
		top := q / 10_000 // at most 42
		middle := uint64(fours[q-10_000*top])
		last := uint64(fours[v-10_000*q])
		lo := uint64(fours[top]>>16) | middle<<16 | last<<48
		hi := last>>16 + lineEnd
		// Shift out the leading zeros, without a branch on their number, which
		// nobody could predict.
		zeros := uint(bits.TrailingZeros64(lo)) &^ 7
		if v < 100 {
			zeros = 0
			lo, hi = hi, 0
			if v < 10 {
				lo >>= 8
				n--
			}
			n -= 8
		} else {
			lo += asciiZeros
		}
		binary.LittleEndian.PutUint64(b, lo>>(zeros&63)|(hi<<1)<<((63-zeros)&63))
		binary.LittleEndian.PutUint64(b[8:], hi>>(zeros&63))
		n += 11 - int(zeros/8)
	}
	return out[:n]
}
