package pack

import (
	"bytes"
	"crypto/sha256"
	"io"
	"runtime"
	"strings"
	"testing"
)

// TestAllocations checks that no record costs an allocation, except for the IP addresses
// that net/netip reads.
func TestAllocations(t *testing.T) {
	for _, test := range []struct {
		format, line string
		o            Options
	}{
		{"!I", "4294967295", Options{}},
		{"!BHIq8sd", "1\t2\t3\t-4\thello\t0.12345678901234567", Options{}},
		{"@bhlqP", "1\t2\t3\t4\t5", Options{}},
		{"!HI", "80 20", Options{}},
		{"!HI", "0x50\t0b11", Options{Radix: 16}},
		{"!HI", "80,20", Options{Separator: ","}},
		{"!H:a:I:b:", `{"a":80,"b":20}`, Options{JSON: true}},
		{"!2s2c?", "a\\x00\tb\tc\t1", Options{}},
		{"!efd", "1.5\t0.1\t1e100", Options{}},
		{"!{u24}{i128}{leb}{zz}", "1\t-170141183460469231731687303715884105728\t300\t-1", Options{}},
		{"!H/s{z}", "hello\tworld", Options{}},
		{"!{mac}{uuid}", "00:11:22:33:44:55\t123e4567-e89b-12d3-a456-426614174000", Options{}},
		{"!{bits 4,4,8}", "1 2 3", Options{}},
		{"Zf", "1.5+2j", Options{}},
	} {
		f, err := Parse(test.format)
		if err != nil {
			t.Fatal(err)
		}
		e, d := NewEncoder(f, test.o), NewDecoder(f, test.o)
		var s packer
		line := []byte(test.line)
		record, err := e.line(nil, line, &s)
		if err != nil {
			t.Fatalf("%s: %v", test.format, err)
		}
		buf := make([]byte, 0, 1<<10)
		if n := testing.AllocsPerRun(100, func() { buf, _ = e.line(buf[:0], line, &s) }); n > 0 {
			t.Errorf("%s: encoding %q allocates %v times", test.format, line, n)
		}
		c := d.newCursor(io.Discard, bytes.NewReader(nil), false)
		n := testing.AllocsPerRun(100, func() {
			c.t.buf, c.t.start, c.t.end = record, 0, len(record)
			c.ready = buf[:0]
			if err := c.record(0); err != nil {
				t.Fatal(err)
			}
		})
		if n > 0 {
			t.Errorf("%s: decoding by the cursor allocates %v times", test.format, n)
		}
		if !f.fixed {
			continue
		}
		records := bytes.Repeat(record, 100)
		buf = d.convert(buf[:0], records, 0)
		if n := testing.AllocsPerRun(100, func() { buf = d.convert(buf[:0], records, 0) }); n > 0 {
			t.Errorf("%s: decoding 100 records allocates %v times", test.format, n)
		}
		many := bytes.Repeat(append(bytes.Clone(line), '\n'), 100)
		var out []byte
		out, _, _ = e.lines(out, many, &s)
		limit := 0.0
		if test.o.JSON {
			limit = 99 // under the race detector encoding/json's pool loses what it holds
		}
		if n := testing.AllocsPerRun(10, func() { out, _, _ = e.lines(out[:0], many, &s) }); n > limit {
			t.Errorf("%s: encoding lines allocates %v times", test.format, n)
		}
	}
}

// TestManyValues checks that a line of many values takes memory for each once, and that
// those with more than Max separators are refused before there is any.
func TestManyValues(t *testing.T) {
	const n = 1 << 20
	for _, test := range []struct {
		line string
		o    Options
	}{
		{strings.Repeat("1 ", n), Options{}},
		{strings.Repeat("1\t", n-1) + "1", Options{}},
		{strings.Repeat("1,", n-1) + "1", Options{Separator: ","}},
		{"[" + strings.Repeat("1,", n-1) + "1]", Options{JSON: true}},
	} {
		f, err := Parse("*B")
		if err != nil {
			t.Fatal(err)
		}
		for _, most := range []int64{n, n - 2} {
			test.o.Max = most
			var s packer
			dst := make([]byte, 0, n)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			dst, err = NewEncoder(f, test.o).line(dst, []byte(test.line), &s)
			runtime.ReadMemStats(&after)
			got, limit := after.TotalAlloc-before.TotalAlloc, uint64(40*n)
			if most < n {
				limit = 4 * n
			}
			if (err == nil) != (most >= n) || err == nil && len(dst) != n || got > limit {
				t.Errorf("%+v: %d bytes, %v, with %d allocated", test.o, len(dst), err, got)
			}
		}
	}
}

// TestLongJSON checks that a long string costs memory for its bytes and not for its text,
// which can be six times as long.
func TestLongJSON(t *testing.T) {
	const n = 8 << 20
	decode := func(format string) func(io.Writer, string) error {
		return func(dst io.Writer, data string) error {
			f, err := Parse(format)
			if err != nil {
				return err
			}
			_, err = NewDecoder(f, Options{JSON: true}).Decode(dst, strings.NewReader(data), -1)
			return err
		}
	}
	deframe := func(dst io.Writer, data string) error {
		f, err := Parse("I")
		if err != nil {
			return err
		}
		h, err := NewHeader(f, "")
		if err != nil {
			return err
		}
		d := NewDeframer(h, Options{JSON: true})
		d.Lines = true
		_, err = d.Deframe(dst, strings.NewReader(data), -1)
		return err
	}
	for _, test := range []struct {
		name, front, unit, back string
		convert                 func(io.Writer, string) error
		want                    func(text string) string
	}{
		{"*s", "", "\x00", "", decode("*s"), func(s string) string { return "[" + s + "]\n" }},
		{"*s of UTF-8", "", "a€", "", decode("*s"), func(s string) string { return "[" + s + "]\n" }},
		{"*s of bytes", "", "\xff", "", decode("*s"), func(s string) string { return "[" + s + "]\n" }},
		{"I/s", "\x00\x80\x00\x00", "\x00", "", decode("I/s"), func(s string) string { return "[" + s + "]\n" }},
		{"{z}", "", "\x01", "\x00", decode("{z}"), func(s string) string { return "[" + s + "]\n" }},
		{"frame", "\x00\x80\x00\x00", "\x00", "", deframe, func(s string) string { return s + "\n" }},
	} {
		data := strings.Repeat(test.unit, n/len(test.unit))
		want := sha256.Sum256([]byte(test.want(string(appendJSONBytes(nil, []byte(data))))))
		data = test.front + data + test.back
		sum := sha256.New()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := test.convert(sum, data); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		runtime.ReadMemStats(&after)
		if [32]byte(sum.Sum(nil)) != want {
			t.Errorf("%s: wrong text", test.name)
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 16*n {
			t.Errorf("%s: %d MiB of memory for a string of %d MiB", test.name, made>>20, n>>20)
		}
	}
}
