package pack

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// interesting are numbers around all powers of ten and two.
func interesting() []uint64 {
	var list []uint64
	for p := uint64(1); ; p *= 10 {
		list = append(list, p-1, p, p+1, 2*p, 9*p)
		if p > math.MaxUint64/10 {
			break
		}
	}
	for s := range 64 {
		list = append(list, 1<<s-1, 1<<s, 1<<s+1)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 100000 {
		list = append(list, r.Uint64()>>r.IntN(64))
	}
	return append(list, math.MaxUint64)
}

func TestDigits(t *testing.T) {
	for _, v := range interesting() {
		if got, want := appendInteger(nil, v, 8, false), strconv.AppendUint(nil, v, 10); !bytes.Equal(got, want) {
			t.Fatalf("%d: %s", v, got)
		}
		if got, want := appendInteger(nil, v, 8, true), strconv.AppendInt(nil, int64(v), 10); !bytes.Equal(got, want) {
			t.Fatalf("%d: %s", int64(v), got)
		}
	}
}

// TestIntegerLines compares the fast path of each width with the general one.
func TestIntegerLines(t *testing.T) {
	var chunk []byte
	for _, v := range interesting() {
		chunk = binary.BigEndian.AppendUint64(chunk, v)
	}
	for _, code := range []string{"b", "B", "h", "H", "i", "I", "q", "Q"} {
		for _, order := range []string{"<", ">"} {
			f, err := Parse(order + code)
			if err != nil {
				t.Fatal(err)
			}
			// The longest lines there are.
			chunk := append(chunk[:len(chunk):len(chunk)], bytes.Repeat([]byte{0x80, 0, 0, 0, 0, 0, 0, 0}, 1<<16)...)
			d := NewDecoder(f, Options{})
			if !d.fast {
				t.Fatal("no fast path")
			}
			want := d.byCursor(chunk, 0)
			if got := d.convert(nil, chunk, 0); !bytes.Equal(got, want) {
				t.Errorf("%s%s: not the same", order, code)
			}
		}
	}
}

// TestLoneInteger compares the fast path of reading with the general one, on
// good lines and bad ones.
func TestLoneInteger(t *testing.T) {
	lines := []string{"", "0", "00000000000000000000000000000007", "+5", " 5", "5 ", "5\r", "0x10", "1_0", "-", "--1", "1-", "/", ":", "\x00", "1\x80", "\xb1", "12345678\xb9", "é", "1234567890123456", "18446744073709551615", "18446744073709551616"}
	for _, v := range interesting()[:200] {
		lines = append(lines, strconv.FormatUint(v, 10), "-"+strconv.FormatUint(v, 10), "0"+strconv.FormatUint(v, 10))
	}
	for _, code := range []string{"b", "B", "h", "H", "i", "I", "q", "Q"} {
		for _, order := range []string{"<", ">"} {
			f, err := Parse(order + code)
			if err != nil {
				t.Fatal(err)
			}
			e := NewEncoder(f, Options{})
			for _, line := range lines {
				// Behind it there is enough for whole words.
				chunk := []byte("7\n" + line + "\n8\n0000000000000000000000000000000000000000\n")
				want, _, wantErr := []byte(nil), 0, error(nil)
				var s packer
				n := int64(0)
				for text := range bytes.Lines(chunk) {
					n++
					if want, wantErr = e.line(want, bytes.TrimSuffix(text, []byte("\n")), &s); wantErr != nil {
						atLine(wantErr, n)
						break
					}
				}
				got, _, err := e.lines(nil, chunk, &s)
				if !bytes.Equal(got, want) || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
					t.Fatalf("%s%s %q: %x %v, want %x %v", order, code, line, got, err, want, wantErr)
				}
			}
		}
	}
}

// TestFastLines compares the fast path with the general path, on good lines and
// bad ones.
func TestFastLines(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	words := []string{"", "0", "1", "-1", "+1", "255", "256", "65535", "65536", "-32768", "32767", "2147483648", "4294967295", "4294967296",
		"9223372036854775807", "-9223372036854775808", "9223372036854775808", "1.5", "-0", "nan", "inf", "1e400", "1e39", " 1", "1 ", "0x10", "1_0", "a", "hello world", "\u00e9", "\r", "12345678", "1234567890123456"}
	for range rounds() {
		format := string("<>"[r.IntN(2)])
		for range 2 + r.IntN(4) {
			format += []string{"b", "B", "h", "H", "i", "I", "q", "Q", "f", "d", "3s", "s", "0s", "2x", "12s"}[r.IntN(15)]
		}
		f, err := Parse(format)
		if err != nil {
			t.Fatal(err)
		}
		e := NewEncoder(f, Options{})
		if f.values < 2 || !e.plain() {
			continue
		}
		var chunk []byte
		for range 1 + r.IntN(3) {
			for i := range f.values + int64(r.IntN(40)/39) - int64(r.IntN(40)/39) {
				if i > 0 {
					chunk = append(chunk, '\t')
				}
				chunk = append(chunk, words[r.IntN(len(words))]...)
			}
			chunk = append(chunk, '\n')
		}
		chunk = append(chunk, "0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\n"...)
		var want []byte
		var wantErr error
		var s packer
		n := int64(0)
		for text := range bytes.Lines(chunk) {
			n++
			if want, wantErr = e.line(want, bytes.TrimSuffix(text, []byte("\n")), &s); wantErr != nil {
				atLine(wantErr, n)
				break
			}
		}
		got, _, gotErr := e.lines(nil, chunk, &s)
		if !bytes.Equal(got, want) || (gotErr == nil) != (wantErr == nil) || gotErr != nil && gotErr.Error() != wantErr.Error() {
			t.Fatalf("%s %q: %x %v, want %x %v", format, chunk, got, gotErr, want, wantErr)
		}
	}
}
