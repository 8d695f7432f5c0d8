package pack

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
)

// every16 is each value of 16 bits once, big-endian.
func every16() []byte {
	b := make([]byte, 0, 2<<16)
	for i := range 1 << 16 {
		b = binary.BigEndian.AppendUint16(b, uint16(i))
	}
	return b
}

// TestEvery16 decodes and encodes every value of the 16-bit codes.
func TestEvery16(t *testing.T) {
	for _, test := range []struct {
		format string
		text   func(v uint16) string
	}{
		{"!H", func(v uint16) string { return strconv.Itoa(int(v)) }},
		{"!h", func(v uint16) string { return strconv.Itoa(int(int16(v))) }},
		{"<H", func(v uint16) string { return strconv.Itoa(int(v>>8 | v<<8)) }},
		{"!bB", func(v uint16) string { return fmt.Sprintf("%d\t%d", int8(v>>8), byte(v)) }},
		{"!{bits 3,13}", func(v uint16) string { return fmt.Sprintf("%d\t%d", v>>13, v&0x1fff) }},
	} {
		f, err := Parse(test.format)
		if err != nil {
			t.Fatal(err)
		}
		var want strings.Builder
		for i := range 1 << 16 {
			want.WriteString(test.text(uint16(i)) + "\n")
		}
		var got, back bytes.Buffer
		if _, err := NewDecoder(f, Options{}).Decode(&got, bytes.NewReader(every16()), -1); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Errorf("%s: wrong text", test.format)
		}
		if _, err := NewEncoder(f, Options{}).EncodeLines(&back, &got, -1); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(back.Bytes(), every16()) {
			t.Errorf("%s: wrong bytes", test.format)
		}
	}
}

// TestEveryHalf checks every binary16 number: its value, its text, and that the
// doubles around the middle between it and the next are rounded once, to even.
func TestEveryHalf(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		v := halfValue(h)
		exp, frac := int(h>>10&31), float64(h&1023)
		want := math.Ldexp(1+frac/1024, exp-15)
		switch {
		case exp == 0:
			want = math.Ldexp(frac/1024, -14)
		case exp == 31 && frac == 0:
			want = math.Inf(1)
		case exp == 31:
			if v == v {
				t.Fatalf("%04x: %v is a number", h, v)
			}
			continue
		}
		if h>>15 != 0 {
			want = -want
		}
		if v != want || math.Signbit(v) != (h>>15 != 0) {
			t.Fatalf("%04x: %v, want %v", h, v, want)
		}
		text := appendFloat(nil, v, 2)
		back, _, ok := parseFloat(text)
		if got, fits := halfBits(back); !ok || !fits || got != h {
			t.Fatalf("%04x: %s reads back as %04x", h, text, got)
		}
		if exp == 31 || h&0x7fff == 0x7bff {
			continue
		}
		middle := (v + halfValue(h+1)) / 2
		even := h + h&1
		for _, c := range []struct {
			v    float64
			want uint16
		}{{middle, even}, {math.Nextafter(middle, v), h}, {math.Nextafter(middle, 2*middle), h + 1}} {
			if got, ok := halfBits(c.v); !ok || got != c.want {
				t.Fatalf("%v: %04x, want %04x", c.v, got, c.want)
			}
		}
	}
	for v, ok := range map[float64]bool{65519.999: true, 65520: false, -65520: false, 1e300: false, 5e-324: true} {
		if _, fits := halfBits(v); fits != ok {
			t.Errorf("%v: fits %v", v, fits)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, test := range []struct {
		n               int
		signed          bool
		least, greatest string
	}{
		{8, true, "-128", "127"},
		{24, false, "0", "16777215"},
		{64, true, "-9223372036854775808", "9223372036854775807"},
		{64, false, "0", "18446744073709551615"},
		{72, true, "-2361183241434822606848", "2361183241434822606847"},
		{128, true, "-170141183460469231731687303715884105728", "170141183460469231731687303715884105727"},
		{128, false, "0", "340282366920938463463374607431768211455"},
	} {
		least, greatest := limits(test.n, test.signed)
		if least != test.least || greatest != test.greatest {
			t.Errorf("%d %v: %s %s", test.n, test.signed, least, greatest)
		}
		for i, text := range []string{least, greatest} {
			w, ok := parseWhole([]byte(text))
			if !ok || !w.fits(test.n, test.signed) || string(w.append(nil)) != text {
				t.Errorf("%s does not fit %d", text, test.n)
			}
			hi, lo := w.twos()
			if back := fromTwos(hi, lo, 128, test.signed); string(back.append(nil)) != text && (test.signed || i == 1) {
				t.Errorf("%s comes back as %s", text, back.append(nil))
			}
		}
	}
	for text, n := range map[string]int{"128": 8, "-129": 8, "9223372036854775808": 64, "-9223372036854775809": 64,
		"170141183460469231731687303715884105728": 128, "340282366920938463463374607431768211456": 128} {
		if w, ok := parseWhole([]byte(text)); !ok || w.fits(n, true) {
			t.Errorf("%s fits %d", text, n)
		}
	}
}
