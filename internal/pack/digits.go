package pack

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Digits are made eight at a time in one word (SIMD within a register): a number
// below 10^8 becomes eight bytes by three multiplications.

const (
	asciiZeros = 0x3030303030303030
	tenTo8     = 100_000_000
	// uintRoom is what putUint may write to: more than a number takes, because
	// it stores whole words.
	uintRoom = 32
)

// digits8 returns the eight digits of v, which is below 10^8: the first in the
// lowest byte, each with the value 0 to 9.
func digits8(v uint32) uint64 {
	x := uint64(v/10_000) | uint64(v%10_000)<<32
	y := x * 10486 >> 20 & 0x7f_0000007f // x/100 in each half
	x = y | (x-100*y)<<16
	y = x * 103 >> 10 & 0x000f_000f_000f_000f // x/10 in each quarter
	return y | (x-10*y)<<8
}

// putUint writes v in decimal at the start of b, which has uintRoom bytes, and
// returns how many digits there are.
func putUint(b []byte, v uint64) int {
	_ = b[uintRoom-1]
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
