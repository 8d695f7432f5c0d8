package pack

import (
	"bytes"
	encodingjson "encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

// extended are items that Python has not got.
var extended = []string{"{u24}", "{i24}", "{u40}", "{u64}", "{i96}", "{u128}", "{i128}", "{leb}", "{sleb}", "{zz}", "{vlq}", "{z}",
	"{hex3}", "{ip4}", "{ip6}", "{mac}", "{uuid}", "{time}", "{time64}", "{bits 4,4,8}", "{bits 1,7}", "{bits 64}", "{bits 1,31,32}",
	"H/s", "B/s", "{leb}/s", "b/s", "{u24}/s", "Zf", "Zd"}

// anyFormat is a format with everything there is.
func anyFormat(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString([]string{"", "@", "=", "<", ">", "!"}[r.IntN(6)])
	native := strings.HasPrefix(b.String(), "@")
	n := 1 + r.IntN(5)
	for i := range n {
		switch r.IntN(4) {
		case 0:
			b.WriteString(strconv.Itoa(r.IntN(4)))
		case 1:
			if i == n-1 {
				b.WriteString("*")
			}
		}
		code := structCodes[r.IntN(len(structCodes))]
		for !native && strings.IndexByte("nNP", code) >= 0 {
			code = structCodes[r.IntN(len(structCodes))]
		}
		if r.IntN(2) == 0 {
			b.WriteByte(code)
		} else {
			b.WriteString(extended[r.IntN(len(extended))])
		}
		if r.IntN(4) == 0 {
			b.WriteString(":n" + strconv.Itoa(i) + ":")
		}
	}
	return b.String()
}

// anyOptions are options of text that can be read back.
func anyOptions(r *rand.Rand, f *Format) Options {
	o := Options{Max: 1 << 20, Null: r.IntN(4) == 0}
	switch r.IntN(4) {
	case 0:
		o.JSON = true
		if o.CheckNames(f) != nil {
			o.JSON = false
		}
	case 1:
		o.Separator = []string{",", " ", ": ", "-", ".", "é", "'", "+", "\t\t", ";x"}[r.IntN(10)]
	}
	if !o.JSON {
		o.Radix = []int{0, 10, 16, 8, 2}[r.IntN(5)]
	}
	return o
}

// decoded is the text of all whole records in data.
func decoded(t *testing.T, f *Format, o Options, src io.Reader) (string, error) {
	var b bytes.Buffer
	_, err := NewDecoder(f, o).Decode(&b, src, -1)
	return b.String(), err
}

// pieces reads one byte, two bytes, three and so on, from the start again after seven.
type pieces struct {
	r io.Reader
	n int
}

func (p *pieces) Read(b []byte) (int, error) {
	p.n = p.n%7 + 1
	return p.r.Read(b[:min(p.n, len(b))])
}

// slowly is decoded with data that comes byte by byte, and in pieces of several sizes.
func slowly(t *testing.T, f *Format, o Options, data []byte) (string, error) {
	t.Helper()
	text, err := decoded(t, f, o, iotest.OneByteReader(bytes.NewReader(data)))
	some, someErr := decoded(t, f, o, &pieces{r: bytes.NewReader(data)})
	if some != text || fmt.Sprint(err) != fmt.Sprint(someErr) {
		t.Fatalf("%q %+v %x: in pieces %q %v, byte by byte %q %v", f.Text, o, data, some, someErr, text, err)
	}
	return text, err
}

// checkRoundTrip decodes data, reads the text back, and decodes the result: the
// text must be the same.
func checkRoundTrip(t *testing.T, f *Format, o Options, data []byte) {
	t.Helper()
	if f.fixed && f.size == 0 {
		return
	}
	text, err := decoded(t, f, o, bytes.NewReader(data))
	slow, slowErr := slowly(t, f, o, data)
	if slow != text || (err == nil) != (slowErr == nil) || err != nil && err.Error() != slowErr.Error() {
		t.Fatalf("%q %+v %x: at once %q %v, byte by byte %q %v", f.Text, o, data, text, err, slow, slowErr)
	}
	if f.fixed {
		var b bytes.Buffer
		_, anyErr := NewDecoder(f, o).decodeStream(&b, bytes.NewReader(data), -1)
		if b.String() != text || (err == nil) != (anyErr == nil) || err != nil && err.Error() != anyErr.Error() {
			t.Fatalf("%q %+v %x: by the pump %q %v, by the cursor %q %v", f.Text, o, data, text, err, b.String(), anyErr)
		}
	}
	if n, fixed := f.Values(); n == 0 && fixed {
		return // its lines are empty
	}
	var records bytes.Buffer
	if _, err := NewEncoder(f, o).EncodeLines(&records, strings.NewReader(text), -1); err != nil {
		t.Fatalf("%q %+v %x: %q cannot be read back: %v", f.Text, o, data, text, err)
	}
	again, err := decoded(t, f, o, bytes.NewReader(records.Bytes()))
	if again != text || err != nil {
		t.Fatalf("%q %+v %x: text %q, packed %x, text %q, %v", f.Text, o, data, text, records.Bytes(), again, err)
	}
}

func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range rounds() {
		text := anyFormat(r)
		f, err := Parse(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		checkRoundTrip(t, f, anyOptions(r, f), randomBytes(r))
	}
}

// randomBytes has the bytes that text and numbers are about more often.
func randomBytes(r *rand.Rand) []byte {
	b := make([]byte, r.IntN(80))
	for i := range b {
		b[i] = byte(r.Uint32())
		if r.IntN(2) == 0 {
			b[i] = "\x00\x01\x02\x7f\x80\xff \t\n\r\\,-.'+:;xé\"0"[r.IntN(23)]
		}
	}
	return b
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("!HI", []byte("\x00\x50\x00\x00\x00\x14"), uint64(1))
	f.Add("@bh{z}H/s*c", []byte("a\x00\x00\x01hello\x00\x00\x02hi \\"), uint64(2))
	f.Add("<e f d Zf Zd", bytes.Repeat([]byte{0x7f, 0x80, 0, 1}, 20), uint64(3))
	f.Add("{leb}{sleb}{zz}{vlq}", []byte("\x80\x01\x7f\x81\x00\x81\x00"), uint64(4))
	f.Fuzz(func(t *testing.T, text string, data []byte, seed uint64) {
		format, err := Parse(text)
		if err != nil || format.values > 1<<12 || format.size > 1<<20 {
			return
		}
		r := rand.New(rand.NewPCG(seed, seed))
		checkRoundTrip(t, format, anyOptions(r, format), data)
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"!HI", "@llh0l", "9223372036854775807x", "*s", "!H*s:a:", "{bits 4,4,8}", "*(I:n:{from}4s{#n}s{crc32})", "H/(I(B):a:)", "{<}{=00}{align 8}{inet}{to}", "3{u24}:x:H/s", "Zf", "Z", "{", "2", "@2{leb}/s I"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		format, err := Parse(text)
		if err != nil {
			if !strings.Contains(err.Error(), " at position ") || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if format.size < 0 || format.values < 0 {
			t.Fatalf("%q: size %d, %d values", text, format.size, format.values)
		}
		format.Layout(Options{})
	})
}

// FuzzLines encodes arbitrary lines.
func FuzzLines(f *testing.F) {
	f.Add("!HI", "80 20\n1\t2\n", false)
	f.Add("!H:port:I:len:", `{"port":80,"len":20}`, true)
	f.Add("2s{z}*H", `["a\u00e9\ud83d\ude00",{"base64":"AAE="},1,2]`, true)
	f.Add("fd?Zd", "1.5 nan true (1+2j)", false)
	f.Add("H/(I:a:B:b:):list:B:n:{#n}s:s:", `{"s":"x","list":[{"b":1,"a":2},{"a":3,"b":4}]}`, true)
	f.Add("2(B/(H)){#x}", `[[[[1,2]],[[]]]]`, true)
	f.Fuzz(func(t *testing.T, text, lines string, json bool) {
		format, err := Parse(text)
		if err != nil || format.values > 1<<12 || format.size > 1<<20 {
			return
		}
		o := Options{JSON: json, Max: 1 << 20}
		var b bytes.Buffer
		if _, err := NewEncoder(format, o).EncodeLines(&b, strings.NewReader(lines), -1); err != nil || !format.fixed {
			return
		}
		for line := range strings.Lines(lines) {
			if o.JSON && !encodingjson.Valid([]byte(line)) {
				t.Fatalf("%q: we took %q, which is no JSON", text, line)
			}
		}
		n := strings.Count(lines, "\n")
		if !strings.HasSuffix(lines, "\n") && lines != "" {
			n++
		}
		if int64(b.Len()) != int64(n)*format.size {
			t.Fatalf("%q %q: %d lines made %d bytes", text, lines, n, b.Len())
		}
	})
}

func FuzzFrames(f *testing.F) {
	f.Add("!H", []byte("\x00\x03abc\x00\x00\x00\x02de"), int64(0))
	f.Add("!cI", []byte("Q\x00\x00\x00\x0dselect 1\x00"), int64(4))
	f.Add("{leb}", []byte("\x05hello"), int64(0))
	f.Add("B/s{z}I", []byte("\x01ab\x00\x00\x00\x00\x01x"), int64(0))
	f.Fuzz(func(t *testing.T, text string, data []byte, adjust int64) {
		format, err := Parse(text)
		if err != nil || adjust > 1<<30 || adjust < -1<<30 {
			return
		}
		h, err := NewHeader(format, "")
		if err != nil {
			return
		}
		d := NewDeframer(h, Options{Max: 1 << 16})
		d.Adjust, d.KeepHeader = adjust, true
		var b bytes.Buffer
		count, err := d.Deframe(&b, bytes.NewReader(data), -1)
		if err == nil && !bytes.Equal(b.Bytes(), data) || !bytes.HasPrefix(data, b.Bytes()) {
			t.Fatalf("%q %x: %x, %v", text, data, b.Bytes(), err)
		}
		var slow bytes.Buffer
		again, slowErr := d.Deframe(&slow, iotest.OneByteReader(bytes.NewReader(data)), -1)
		if slow.String() != b.String() || count.Records != again.Records || (err == nil) != (slowErr == nil) {
			t.Fatalf("%q %x: at once %x %v, byte by byte %x %v", text, data, b.Bytes(), err, slow.Bytes(), slowErr)
		}
	})
}

func FuzzForm(f *testing.F) {
	f.Add(uint8(1), []byte("01bb\n"))
	f.Add(uint8(2), []byte("AAE=\nAAI=\n"))
	f.Add(uint8(3), []byte("0x01, 0xbb,\n"))
	f.Fuzz(func(t *testing.T, form uint8, text []byte) {
		m := Form(form%3) + Hex
		got, err := io.ReadAll(NewFormReader(bytes.NewReader(text), m))
		slow, slowErr := io.ReadAll(iotest.OneByteReader(NewFormReader(iotest.OneByteReader(bytes.NewReader(text)), m)))
		if !bytes.Equal(got, slow) || (err == nil) != (slowErr == nil) {
			t.Fatalf("%v %q: %x %v, %x %v", m, text, got, err, slow, slowErr)
		}
		if err != nil {
			return
		}
		again, err := io.ReadAll(NewFormReader(bytes.NewReader(appendForm(nil, got, m)), m))
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%v %q: %x, read back %x %v", m, text, got, again, err)
		}
	})
}

// TestRest packs any number of each item and unpacks them again.
func TestRest(t *testing.T) {
	values := map[string][]string{
		"c": {"a", "b"}, "?": {"1", "0"}, "H": {"1", "65535"}, "d": {"0.1", "-0"}, "{u24}": {"1", "2"}, "{leb}": {"1", "300"}, "{vlq}": {"1", "300"},
		"{z}": {"a", "b c", ""}, "{hex3}": {"010203", "ffffff"}, "{ip4}": {"1.2.3.4"}, "{uuid}": {"123e4567-e89b-12d3-a456-426614174000"},
		"{time}": {"2026-11-20T12:00:00Z"}, "{bits 4,4}": {"1", "2", "3", "4"}, "H/s": {"ab", "", "c"}, "{leb}/s": {"ab"}, "Zf": {"1+2j"},
	}
	for code, list := range values {
		for _, prefix := range []string{"B", "", "@b", "{leb}"} {
			for n := range len(list) + 1 {
				if code == "{bits 4,4}" && n%2 != 0 {
					continue
				}
				text := prefix + "*" + code
				f, err := Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				want := list[:n]
				if prefix != "" {
					want = append([]string{"7"}, want...)
				} else if n == 0 {
					continue
				}
				record, err := packed(f, want)
				if err != nil {
					t.Fatalf("%q %q: %v", text, want, err)
				}
				for _, json := range []bool{false, true} {
					got, err := decoded(t, f, Options{JSON: json}, iotest.OneByteReader(bytes.NewReader(record)))
					if err != nil {
						t.Fatalf("%q %q: %x: %v", text, want, record, err)
					}
					if line := strings.Join(want, "\t") + "\n"; got != line && !json && !strings.Contains(line, " ") {
						t.Fatalf("%q %q: %x: %q", text, want, record, got)
					}
				}
			}
		}
	}
}
