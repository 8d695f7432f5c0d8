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

// appendUint writes v in decimal.
func appendUint(dst []byte, v uint64) []byte {
	n := len(dst)
	if cap(dst)-n < uintRoom {
		dst = slices.Grow(dst, uintRoom)
	}
	return dst[:n+putUint(dst[n:n+uintRoom], v)]
}

// appendInt writes v in decimal.
func appendInt(dst []byte, v int64) []byte {
	if v < 0 {
		return appendUint(append(dst, '-'), -uint64(v))
	}
	return appendUint(dst, uint64(v))
}
