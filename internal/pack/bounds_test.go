package pack

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// TestBounds tries each limit at its last good value and behind it. TestEmptyElements and
// TestManyValues do the same for theirs.
func TestBounds(t *testing.T) {
	parse := func(format string, n int) error {
		_, err := Parse(strings.ReplaceAll(format, "N", fmt.Sprint(n)))
		return err
	}
	decode := func(format string, o Options, data string) error {
		f, err := Parse(format)
		if err != nil {
			t.Fatal(err)
		}
		_, err = NewDecoder(f, o).Decode(io.Discard, strings.NewReader(data), -1)
		return err
	}
	encode := func(format string, o Options, line string) error {
		f, err := Parse(format)
		if err != nil {
			t.Fatal(err)
		}
		_, err = NewEncoder(f, o).EncodeLines(io.Discard, strings.NewReader(line), -1)
		return err
	}
	header := func(format string) *Header {
		f, err := Parse(format)
		if err != nil {
			t.Fatal(err)
		}
		h, err := NewHeader(f, "")
		if err != nil {
			return nil
		}
		return h
	}
	deframe := func(o Options, data string) error {
		_, err := NewDeframer(header("B"), o).Deframe(io.Discard, strings.NewReader(data), -1)
		return err
	}
	frame := func(o Options, payload string) error {
		fr, err := NewFramer(header("I"), o, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = fr.Frame(io.Discard, strings.NewReader(payload))
		return err
	}
	for _, test := range []struct {
		name string
		most int
		try  func(n int) error
	}{
		{"groups within each other", deepest, func(n int) error { return parse(strings.Repeat("(", n)+"H"+strings.Repeat(")", n), 0) }},
		{"alignment", 1 << 20, func(n int) error { return parse("{align N}", n) }},
		{"bytes in hex", 1 << 30, func(n int) error { return parse("{hexN}", n) }},
		{"bits of an integer, in bytes", 16, func(n int) error { return parse("{uN}", 8*n) }},
		{"header", largeHeader, func(n int) error {
			if header(fmt.Sprintf("%dxI", n-4)) == nil {
				return io.ErrShortBuffer
			}
			return nil
		}},
		{"varint, in continuation bytes", maxVarint - 1, func(n int) error { return decode("{leb}", Options{}, strings.Repeat("\x80", n)+"\x01") }},
		{"string behind its length", 100, func(n int) error { return decode("B/s", Options{Max: 100}, string(rune(n))+strings.Repeat("a", n)) }},
		{"string that is referred to", 100, func(n int) error {
			return decode("B:n:{#n}s", Options{Max: 100}, string(rune(n))+strings.Repeat("a", n))
		}},
		{"string before NUL", 100, func(n int) error { return decode("{z}", Options{Max: 100}, strings.Repeat("a", n)+"\x00") }},
		{"rest as a JSON string", 100, func(n int) error { return decode("*s", Options{Max: 100, JSON: true}, strings.Repeat("a", n)) }},
		{"record made", 100, func(n int) error { return encode("*s", Options{Max: 100}, strings.Repeat("a", n)) }},
		{"padding made", 100, func(n int) error { return encode(fmt.Sprintf("%dxs", n-1), Options{Max: 100}, "a") }},
		{"groups made", 100, func(n int) error { return encode("B/(x)", Options{Max: 100}, fmt.Sprint(n-1)) }},
		{"line", 2*chunkSize - 1, func(n int) error { return encode("s", Options{Max: chunkSize / 6}, strings.Repeat("a", n)+"\n") }},
		{"frame taken", 100, func(n int) error { return deframe(Options{Max: 100}, string(rune(n))+strings.Repeat("a", n)) }},
		{"text of a record that is held back", pendingText, func(n int) error {
			f, err := Parse("9000000s")
			if err != nil {
				return err
			}
			var out bytes.Buffer
			if NewDecoder(f, Options{}).Decode(&out, strings.NewReader(strings.Repeat("a", n)), -1); out.Len() > 0 {
				return io.ErrShortBuffer
			}
			return nil
		}},
		{"frame made", 100, func(n int) error { return frame(Options{Max: 100}, strings.Repeat("a", n)) }},
	} {
		if err := test.try(test.most); err != nil {
			t.Errorf("%s: %d: %v", test.name, test.most, err)
		}
		if err := test.try(test.most + 1); err == nil {
			t.Errorf("%s: %d: no error", test.name, test.most+1)
		}
	}
	if err := encode(fmt.Sprintf("%dxs", int64(largestRecord)), Options{}, "a"); err == nil {
		t.Error("a record of more than a tebibyte was made")
	}
}

// TestOwnLines packs the lines of the longest strings again, whatever their escapes.
func TestOwnLines(t *testing.T) {
	const size = 1 << 20
	f, err := Parse("*s:text:")
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range []string{"\x01", "\xff", "\t", "\\", ",", `"`} {
		for _, o := range []Options{{Max: size}, {Max: size, JSON: true}, {Max: size, Separator: ","}} {
			want := strings.Repeat(unit, size)
			var line, got bytes.Buffer
			if _, err := NewDecoder(f, o).Decode(&line, strings.NewReader(want), -1); err != nil {
				t.Fatal(err)
			}
			if _, err := NewEncoder(f, o).EncodeLines(&got, &line, -1); err != nil || got.String() != want {
				t.Errorf("%q %+v: %d bytes, %v", unit, o, got.Len(), err)
			}
		}
	}
}

// TestLongString checks that a string for JSON is searched for its end once, although
// it is read byte by byte.
func TestLongString(t *testing.T) {
	f, err := Parse("{z}")
	if err != nil {
		t.Fatal(err)
	}
	took := func(n int) time.Duration {
		src := strings.NewReader(strings.Repeat("a", n) + "\x00more")
		start := time.Now()
		if _, err := NewDecoder(f, Options{JSON: true}).Decode(io.Discard, src, 1); err != nil || src.Len() != len("more") {
			t.Fatalf("%d bytes are left, %v", src.Len(), err)
		}
		return time.Since(start)
	}
	for range 5 { // the machine may do something else
		if took(1<<20) < 1<<9*took(1<<14) {
			return
		}
	}
	t.Error("a string 64 times as long takes more than 512 times as long")
}

// A readSizes remembers the largest read of a conversion.
type readSizes struct {
	io.Reader
	most int
}

func (r *readSizes) Read(p []byte) (int, error) {
	r.most = max(r.most, len(p))
	return r.Reader.Read(p)
}

// TestPieces checks that data without a limit is read in pieces of at most chunkSize, and
// that an input which ends at a piece, before or behind it is converted as it is byte by byte.
func TestPieces(t *testing.T) {
	for _, test := range []struct {
		format, unit string
		o            Options
	}{
		{"*s", "aé€\x00\xff", Options{}}, {"*(HB)", "abc", Options{}}, {"*B", "a", Options{}}, {"*{z}", "aé\x00", Options{}},
		{"{z}", "ab\x00", Options{}}, {"I", "abcd", Options{}}, {"c*x", "ab", Options{}}, {"999999s", "a", Options{}},
		{"*p", "a", Options{}}, {"*(B/s)", "\x02ab", Options{}}, {"B{z}", "a", Options{Max: chunkSize - 2}},
	} {
		f, err := Parse(test.format)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{chunkSize - 1, chunkSize, chunkSize + 1, 3 * chunkSize} {
			data := strings.Repeat(test.unit, n/len(test.unit)+1)[:n]
			r := readSizes{Reader: strings.NewReader(data)}
			var got, want bytes.Buffer
			count, err := NewDecoder(f, test.o).Decode(&got, &r, -1)
			wantCount, wantErr := NewDecoder(f, test.o).Decode(&want, iotest.OneByteReader(strings.NewReader(data)), -1)
			if err != nil {
				count.Read, wantCount.Read = 0, 0 // of the record that failed
			}
			if r.most > chunkSize {
				t.Errorf("%s: a read of %d bytes", test.format, r.most)
			}
			if !bytes.Equal(got.Bytes(), want.Bytes()) || count != wantCount || fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Errorf("%s: %d bytes: %d bytes of text, %+v, %v; byte by byte %d, %+v, %v", test.format, n,
					got.Len(), count, err, want.Len(), wantCount, wantErr)
			}
		}
	}
}
