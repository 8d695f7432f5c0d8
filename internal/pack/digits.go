package pack

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Digits are made four at a time from a table, and put in place as words of
// eight.

const (
	asciiZeros = 0x3030303030303030
	tenTo8     = 100_000_000
	// uintRoom is what putUint may write to: more than a number takes, because
	// it stores whole words.
	uintRoom = 32
)

// fours are the four digits of each number below 10,000, with the values 0 to 9,
// the first lowest. The table goes on to a power of two, so that an index can be
// masked in place of being checked.
var fours = func() (t [1 << 14]uint32) {
	for i := range 10_000 {
		d := uint32(i)
		t[i] = d/1000 | d/100%10<<8 | d/10%10<<16 | d%10<<24
	}
	return t
}()

// digits8 returns the eight digits of v, which is below 10^8: the first in the
// lowest byte, each with the value 0 to 9.
func digits8(v uint32) uint64 {
	q := v / 10_000
	return uint64(fours[q&(1<<14-1)]) | uint64(fours[(v-10_000*q)&(1<<14-1)])<<32
}

// putUint writes v in decimal at the start of b, which has uintRoom-1 bytes at
// least, and returns how many digits there are.
func putUint(b []byte, v uint64) int {
	_ = b[uintRoom-2]
	if v < tenTo8 {
		return putSmall(b, uint32(v))
	}
	q := v / tenTo8
	low := digits8(uint32(v-q*tenTo8)) + asciiZeros
	n := 0
	if q < tenTo8 {
		n = putSmall(b, uint32(q))
	} else {
		q1 := q / tenTo8
		n = putSmall(b, uint32(q1))
		binary.LittleEndian.PutUint64(b[n:], digits8(uint32(q-q1*tenTo8))+asciiZeros)
		n += 8
	}
	binary.LittleEndian.PutUint64(b[n:], low)
	return n + 8
}

// putSmall writes v, which is below 10^8.
func putSmall(b []byte, v uint32) int {
	d := digits8(v)
	// The leading zeros are the low bytes; the last digit is always one.
	zeros := uint(bits.TrailingZeros64(d|1<<56)) &^ 7
	binary.LittleEndian.PutUint64(b, (d+asciiZeros)>>(zeros&63))
	return 8 - int(zeros/8)
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

// appendInteger writes an integer of width bytes in decimal.
func appendInteger(dst []byte, v uint64, width int, signed bool) []byte {
	n := len(dst)
	if cap(dst)-n < uintRoom {
		dst = slices.Grow(dst, uintRoom)
	}
	return dst[:n+putInteger(dst[n:n+uintRoom], v, uint(width), signed)]
}

// nonDigits sets the highest bit of each byte of w that is no decimal digit. A byte
// above 127 may also set that of the next higher byte: only the lowest set bit is
// reliable.
func nonDigits(w uint64) uint64 {
	return (w + 0x46464646_46464646 | (w - asciiZeros) | w) & 0x80808080_80808080
}

// eightDigits is the number that eight digits stand for, each with the value 0
// to 9, the first lowest.
func eightDigits(x uint64) uint64 {
	x = (x*10 + x>>8) & 0x00ff00ff_00ff00ff
	x = (x*100 + x>>16) & 0x0000ffff_0000ffff
	return (x*10_000 + x>>32) & 0xffffffff
}

var powers = [...]uint64{1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000}

// digitRoom is how many bytes digitRun looks at.
const digitRoom = 20

// digitRun reads the digits that b begins with, at most 19 of them: the number,
// and how many digits there are. b has digitRoom bytes. n is 0 if there is no
// digit, or one too many.
func digitRun(b []byte) (v uint64, n int) {
	_ = b[digitRoom-1]
	w := binary.LittleEndian.Uint64(b)
	n = bits.TrailingZeros64(nonDigits(w)) / 8
	if n < 8 {
		// For n = 0 the shift is by 64, and the result 0.
		return eightDigits((w - asciiZeros) << (64 - 8*uint(n))), n
	}
	v = eightDigits(w - asciiZeros)
	w = binary.LittleEndian.Uint64(b[8:])
	n = bits.TrailingZeros64(nonDigits(w)) / 8
	v = v*powers[n] + eightDigits((w-asciiZeros)<<(64-8*uint(n)))
	if n < 8 {
		return v, 8 + n
	}
	for n = 16; n < digitRoom; n++ {
		c := b[n] - '0'
		if c > 9 {
			return v, n
		}
		v = v*10 + uint64(c)
	}
	return 0, 0
}
