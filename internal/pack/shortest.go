package pack

import (
	"math"
	"math/bits"
)

// The shortest text of a float, for the floats that people write without an
// exponent: from 1e-4 up, and below 2^53. It is what strconv writes, which takes
// three times as long, for there all powers of ten are to be had; here they are
// exact and fit a word.
//
// The method is that of Raffaello Giulietti, "The Schubfach way to render
// doubles" (2020): with 10^-j the power of ten next below the distance of two
// floats, the decimals that read back as v with j-1 places are at most one, and
// if there is none, one of the two with j places that lie around v will do.

// floatRoom is what putShortest may write to.
const floatRoom = 2 * uintRoom

// tens and fives are powers: those that fit, of fives, and nothing behind them.
var tens, fives = func() (t [20]uint64, f [32]uint64) {
	t[0], f[0] = 1, 1
	for i := range t[1:] {
		t[i+1] = 10 * t[i]
	}
	for i := range 27 {
		f[i+1] = 5 * f[i]
	}
	return t, f
}()

// putShortest writes v, of 4 or 8 bytes, at the start of b, which has floatRoom
// bytes at least, and returns how many it wrote: 0 if v is none of those floats.
func putShortest(b []byte, v float64, width int) int {
	a := math.Abs(v)
	if !(a >= 1e-4 && a < 1<<53) {
		return 0
	}
	_ = b[floatRoom-1]
	b[0] = '-'
	sign := int(math.Float64bits(v) >> 63)
	b = b[sign:]
	m, e := parts(a, width)
	if whole := uint64(a); float64(whole) == a {
		if e > 0 {
			return 0 // its last digits need not all be written out
		}
		return sign + putUint(b, whole)
	}
	if m&(m-1) == 0 {
		return 0 // the next float below is nearer than the next above
	}
	s, places := shortest(m, e)
	n := digitCount(s)
	if n <= places {
		// 0.000123: at most three zeros follow the point.
		b[0], b[1], b[2], b[3], b[4] = '0', '.', '0', '0', '0'
		zeros := places - n
		return sign + 2 + zeros + putUint(b[2+zeros:], s)
	}
	putUint(b[1:], s)
	point := n - places
	for i := range point {
		b[i] = b[i+1]
	}
	b[point] = '.'
	return sign + n + 1
}

// parts takes a apart: it is m·2^e.
func parts(a float64, width int) (m uint64, e int) {
	if width == 4 {
		b := math.Float32bits(float32(a))
		return uint64(b&(1<<23-1) | 1<<23), int(b>>23) - 127 - 23
	}
	b := math.Float64bits(a)
	return b&(1<<52-1) | 1<<52, int(b>>52) - 1023 - 52
}

// shortest finds the decimal s·10^-places for m·2^e, which is no integer and not
// below 1e-4; m is no power of two.
func shortest(m uint64, e int) (s uint64, places int) {
	places = -(e * 78913 >> 18) // 10^-places <= 2^e < 10^(1-places)
	// In units of 2^-n of the last place: v is s and f, half the distance to the
	// next float is half.
	hi, lo := bits.Mul64(4*m, fives[places&31])
	n := uint(2 - e - places)
	s = hi<<((64-n)&63) | lo>>(n&63)
	one := uint64(1) << (n & 63)
	f := lo & (one - 1)
	half := 2*fives[places&31] - m&1 // the middle belongs to the even one
	q := s / 10
	down := (s-10*q)<<(n&63) + f
	if down <= half {
		return trimZeros(q, places-1)
	}
	if 10*one-down <= half {
		return trimZeros(q+1, places-1)
	}
	// The nearer one is always near enough, and of two the even one is taken.
	if f > one/2 || f == one/2 && s&1 != 0 {
		s++
	}
	return s, places
}

// trimZeros takes the zeros at the end away.
func trimZeros(s uint64, places int) (uint64, int) {
	for {
		q := s / 10
		if 10*q != s {
			return s, places
		}
		s, places = q, places-1
	}
}

// digitCount is how many digits v has, which is not 0.
func digitCount(v uint64) int {
	n := bits.Len64(v) * 1233 >> 12 // a log10, too small by one at times
	if v >= tens[n] {
		n++
	}
	return n
}
