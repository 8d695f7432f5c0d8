package pack

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strconv"
)

// A whole is an integer with its sign; hi and lo are its magnitude modulo 2^128, and
// over is set if the magnitude is larger.
type whole struct {
	hi, lo   uint64
	negative bool
	over     bool
}

func trimSpace(s []byte) []byte {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// parseWhole reads an integer as Python's int() does, and 0x, 0o and 0b besides:
// blanks around it, a sign, leading zeros and '_' between digits are fine.
func parseWhole(s []byte) (w whole, ok bool) {
	s = trimSpace(s)
	if len(s) > 0 && (s[0] == '+' || s[0] == '-') {
		w.negative = s[0] == '-'
		s = s[1:]
	}
	base := uint64(10)
	// digit is set where a '_' may follow: after a digit or a prefix.
	digit := false
	if len(s) > 2 && s[0] == '0' {
		switch s[1] | 0x20 {
		case 'x':
			base = 16
		case 'o':
			base = 8
		case 'b':
			base = 2
		}
		if base != 10 {
			s, digit = s[2:], true
		}
	}
	if len(s) == 0 {
		return whole{}, false
	}
	for _, c := range s {
		if c == '_' {
			if !digit {
				return whole{}, false
			}
			digit = false
			continue
		}
		d := digitValue(c)
		if d >= base {
			return whole{}, false
		}
		digit = true
		w.push(base, d)
	}
	return w, digit
}

// parseShort reads the most common integers: at most 18 digits.
func parseShort(s []byte) (v uint64, ok bool) {
	if len(s) == 0 || len(s) > 18 {
		return 0, false
	}
	for len(s) >= 8 {
		w := binary.LittleEndian.Uint64(s)
		if nonDigits(w) != 0 {
			return 0, false
		}
		v = v*tenTo8 + eightDigits(w-asciiZeros)
		s = s[8:]
	}
	for _, c := range s {
		if c -= '0'; c > 9 {
			return 0, false
		}
		v = v*10 + uint64(c)
	}
	return v, true
}

// push appends a digit.
func (w *whole) push(base, digit uint64) {
	if w.hi == 0 && w.lo < 1<<58 {
		w.lo = w.lo*base + digit
		return
	}
	over, hi := bits.Mul64(w.hi, base)
	carry, lo := bits.Mul64(w.lo, base)
	hi, c1 := bits.Add64(hi, carry, 0)
	lo, c2 := bits.Add64(lo, digit, 0)
	hi, c3 := bits.Add64(hi, 0, c2)
	w.hi, w.lo = hi, lo
	w.over = w.over || over+c1+c3 > 0
}

// digitValue is the value of a digit of any base, 255 if it is none.
func digitValue(c byte) uint64 {
	switch {
	case c >= '0' && c <= '9':
		return uint64(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'z':
		return uint64(c|0x20-'a') + 10
	}
	return 255
}

// fits reports whether w is within an integer of n bits.
func (w whole) fits(n int, signed bool) bool {
	if w.over {
		return false
	}
	if !signed {
		return (!w.negative || w.hi|w.lo == 0) && w.bitLen() <= n
	}
	if w.bitLen() < n {
		return true
	}
	// Only the least number of all has n bits.
	return w.negative && w.bitLen() == n && bits.OnesCount64(w.hi)+bits.OnesCount64(w.lo) == 1
}

func (w whole) bitLen() int {
	if w.hi != 0 {
		return 64 + bits.Len64(w.hi)
	}
	return bits.Len64(w.lo)
}

// twos is w in two's complement.
func (w whole) twos() (hi, lo uint64) {
	if !w.negative {
		return w.hi, w.lo
	}
	lo, borrow := bits.Sub64(0, w.lo, 0)
	hi, _ = bits.Sub64(0, w.hi, borrow)
	return hi, lo
}

// fromTwos reads an integer of n bits.
func fromTwos(hi, lo uint64, n int, signed bool) whole {
	switch {
	case signed && n <= 64:
		lo = uint64(int64(lo<<(64-n)) >> (64 - n))
		hi = uint64(int64(lo) >> 63)
	case signed:
		hi = uint64(int64(hi<<(128-n)) >> (128 - n))
	}
	w := whole{hi: hi, lo: lo}
	if signed && hi>>63 != 0 {
		w.negative = true
		w.hi, w.lo = w.twos()
	}
	return w
}

// limits are the least and the greatest integer of n bits, in decimal.
func limits(n int, signed bool) (least, greatest string) {
	m := n
	if signed {
		m--
	}
	// A shift by 64 or more leaves nothing.
	w := whole{hi: math.MaxUint64 >> (128 - m), lo: math.MaxUint64 >> max(64-m, 0)}
	greatest = string(w.append(nil))
	if !signed {
		return "0", greatest
	}
	hi, lo := ^w.hi, ^w.lo
	return string(fromTwos(hi, lo, 128, true).append(nil)), greatest
}

// append writes w in decimal.
func (w whole) append(dst []byte) []byte {
	if w.negative {
		dst = append(dst, '-')
	}
	return appendWide(dst, w.hi, w.lo)
}

// appendWide writes an unsigned integer in decimal, the last 18 digits apart.
func appendWide(dst []byte, hi, lo uint64) []byte {
	if hi == 0 {
		return strconv.AppendUint(dst, lo, 10)
	}
	const chunk = 1_000_000_000_000_000_000
	q, low := bits.Div64(hi%chunk, lo, chunk)
	dst = appendWide(dst, hi/chunk, q)
	n := len(dst)
	dst = strconv.AppendUint(dst, chunk+low, 10)
	return slices.Delete(dst, n, n+1) // the 1 that kept the leading zeros
}

// appendRadix writes w with the prefix of the radix, padded to what n bits need
// (0: not padded).
func (w whole) appendRadix(dst []byte, radix, n int) []byte {
	if radix == 10 {
		return w.append(dst)
	}
	if w.negative {
		dst = append(dst, '-')
	}
	shift, prefix := uint(4), byte('x')
	switch radix {
	case 8:
		shift, prefix = 3, 'o'
	case 2:
		shift, prefix = 1, 'b'
	}
	dst = append(dst, '0', prefix)
	digits := (max(n, w.bitLen(), 1) + int(shift) - 1) / int(shift)
	for i := digits - 1; i >= 0; i-- {
		at := uint(i) * shift
		d := w.hi >> (at - 64)
		if at < 64 {
			d = w.lo>>at | w.hi<<(64-at)
		}
		dst = append(dst, "0123456789abcdef"[d&(1<<shift-1)])
	}
	return dst
}
