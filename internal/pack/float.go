package pack

import (
	"bytes"
	"math"
	"strconv"
)

// halfBits rounds a double to binary16, once, ties to even; ok is false when a
// finite number is too large.
func halfBits(v float64) (h uint16, ok bool) {
	sign := uint16(math.Float64bits(v) >> 48 & 0x8000)
	switch {
	case v != v:
		return sign | 0x7e00, true
	case math.IsInf(v, 0):
		return sign | 0x7c00, true
	}
	exp := max(math.Ilogb(v), -14)
	if exp > 15 {
		return 0, false
	}
	// A carry runs over into the exponent, as it should.
	h = uint16(exp+14)<<10 + uint16(math.RoundToEven(math.Ldexp(math.Abs(v), 10-exp)))
	return sign | h, h < 0x7c00
}

// halfValue is the double that binary16 bits stand for.
func halfValue(h uint16) float64 {
	exp, frac := int(h>>10&0x1f), int(h&0x3ff)
	var v float64
	switch {
	case exp == 31 && frac == 0:
		v = math.Inf(1)
	case exp == 31:
		v = math.Float64frombits(quietNaN)
	case exp == 0:
		v = math.Ldexp(float64(frac), -24)
	default:
		v = math.Ldexp(float64(frac+1<<10), exp-25)
	}
	return math.Float64frombits(math.Float64bits(v) | uint64(h&0x8000)<<48)
}

// floatOf reads the float of the given width in the low bits of v.
func floatOf(v uint64, width int) float64 {
	switch width {
	case 2:
		return halfValue(uint16(v))
	case 4:
		f := math.Float32frombits(uint32(v))
		if f != f {
			return math.Float64frombits(quietNaN | uint64(v>>31)<<63)
		}
		return float64(f)
	}
	return math.Float64frombits(v)
}

// floatBits rounds a double to the given width; ok is false when a finite number
// is too large for it.
func floatBits(v float64, width int) (b uint64, ok bool) {
	switch width {
	case 2:
		h, ok := halfBits(v)
		return uint64(h), ok
	case 4:
		if v != v {
			return math.Float64bits(v)>>63<<31 | 0x7fc00000, true
		}
		f := float32(v)
		return uint64(math.Float32bits(f)), !math.IsInf(float64(f), 0) || math.IsInf(v, 0)
	}
	return math.Float64bits(v), true
}

// appendFloat writes the shortest text that reads back as v at its own width:
// without an exponent where Python's repr has none, and without a ".0".
func appendFloat(dst []byte, v float64, width int) []byte {
	if v != v {
		if math.Signbit(v) {
			dst = append(dst, '-')
		}
		return append(dst, "nan"...)
	}
	if math.IsInf(v, 0) {
		if v < 0 {
			dst = append(dst, '-')
		}
		return append(dst, "inf"...)
	}
	size := 64
	switch width {
	case 4:
		size = 32
	case 2:
		v = shortHalf(v)
	}
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-4 || a >= 1e16) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, v, format, -1, size)
}

// shortHalf is the number of the fewest digits that rounds to v, a binary16 number: at
// most five.
func shortHalf(v float64) float64 {
	want, _ := halfBits(v)
	var digits [24]byte
	for precision := 0; ; precision++ {
		near, _ := strconv.ParseFloat(string(strconv.AppendFloat(digits[:0], v, 'e', precision, 64)), 64)
		if got, ok := halfBits(near); ok && got == want {
			return near
		}
	}
}

// appendComplex writes a complex number as 1.5+2j.
func appendComplex(dst []byte, re, im float64, width int) []byte {
	dst = appendFloat(dst, re, width)
	if !math.Signbit(im) {
		dst = append(dst, '+')
	}
	return append(appendFloat(dst, im, width), 'j')
}

// parseComplex reads what appendComplex writes and what Python's complex()
// takes: 1.5+2j, 2j, 1.5, (1+2j), j.
func parseComplex(s []byte) (re, im float64, big, ok bool) {
	s = trimSpace(s)
	if len(s) > 2 && s[0] == '(' && s[len(s)-1] == ')' {
		s = trimSpace(s[1 : len(s)-1])
	}
	if len(s) == 0 || s[len(s)-1]|0x20 != 'j' {
		re, big, ok = parseFloat(s)
		return re, 0, big, ok
	}
	s = s[:len(s)-1]
	// The sign that starts the imaginary half is the last one behind a number: that of an
	// exponent is not.
	for split := len(s) - 1; split > 0; split-- {
		if s[split] != '+' && s[split] != '-' {
			continue
		}
		if v, over, ok := parseFloat(s[:split]); ok {
			re, big, s = v, over, s[split:]
			break
		}
	}
	switch string(s) {
	case "", "+":
		return re, 1, big, true
	case "-":
		return re, -1, big, true
	}
	im, big2, ok := parseFloat(s)
	return re, im, big || big2, ok
}

// The NaN of Python's float("nan"); Go's math.NaN has another lowest bit.
const quietNaN = 0x7ff8000000000000

// parseFloat reads a float: decimal, hex with or without an exponent, inf, nan
// or -nan. big is set when the number is too large for a double.
func parseFloat(s []byte) (v float64, big, ok bool) {
	s = trimSpace(s)
	// Most numbers are plain: the compiler makes no copy of s here.
	if v, err := strconv.ParseFloat(string(s), 64); err == nil && v == v {
		return v, false, true
	}
	sign := uint64(0)
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = 1 << 63
		}
		s = s[1:]
	}
	if bytes.EqualFold(s, []byte("nan")) {
		return math.Float64frombits(quietNaN | sign), false, true
	}
	if len(s) == 0 || s[0] == '+' || s[0] == '-' {
		return 0, false, false
	}
	text := string(s)
	if len(s) > 1 && s[1]|0x20 == 'x' && !bytes.ContainsAny(s, "pP") {
		text += "p0"
	}
	v, err := strconv.ParseFloat(text, 64)
	if math.IsInf(v, 0) && err != nil {
		return 0, true, true
	}
	return math.Float64frombits(math.Float64bits(v) | sign), false, err == nil
}
