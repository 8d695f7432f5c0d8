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

// uint32Lines is integerLines for the codes I and L. It begins with the last
// line and writes each with all ten digits, in front of the one before: the
// leading zeros are then overwritten by the line in front of them. The result
// does not begin where dst does.
func uint32Lines(dst, chunk []byte, little bool, end byte) []byte {
	chunk = chunk[:len(chunk)&^3]
	need := uint32Room(len(chunk))
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
		binary.LittleEndian.PutUint16(line[5:], pairs[top&63])
		at -= lineLength(v)
	}
	return out[at:]
}

// uint32Room is how many bytes uint32Lines needs for a chunk of n: the longest
// lines, and what the first one writes too much in front of it.
func uint32Room(n int) int { return n/4*11 + 16 }

// pairs are the two ASCII digits of each number below 64, the first lowest.
var pairs = func() (t [64]uint16) {
	for i := range t {
		t[i] = uint16('0'+i/10) | uint16('0'+i%10)<<8
	}
	return t
}()

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
