package pack

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// A protocol makes random formats with groups, references, constants and
// checksums.
type protocol struct {
	r     *rand.Rand
	names int
	named bool
	scope []int // the integers that an item may refer to
}

// text is a random format.
func (p *protocol) text() string {
	order := []string{"", "@", "=", "<", ">", "!"}[p.r.IntN(6)]
	p.named = p.r.IntN(2) == 0
	text := p.items(order == "@", 0)
	switch p.r.IntN(4) {
	case 0:
		text += "*(" + "B" + p.name() + p.inner(order == "@", 1) + ")" + p.name()
	case 1:
		text += "*s" + p.name()
	}
	return order + text
}

// name is a name in colons, if this format has names.
func (p *protocol) name() string {
	if !p.named {
		return ""
	}
	p.names++
	return fmt.Sprintf(":n%d:", p.names)
}

// inner are items of a group that can have no elements. They refer to nothing outside it:
// JSON shows such an integer by the number of its elements alone.
func (p *protocol) inner(native bool, depth int) string {
	defer func(outer []int) { p.scope = outer }(p.scope)
	p.scope = nil
	return p.items(native, depth)
}

// items are some items at a depth.
func (p *protocol) items(native bool, depth int) string {
	outer := len(p.scope)
	defer func() { p.scope = p.scope[:outer] }()
	var b strings.Builder
	for range 1 + p.r.IntN(4) {
		switch n := p.r.IntN(16); {
		case n == 0 && depth < 3:
			fmt.Fprintf(&b, "%d(%s)%s", p.r.IntN(3), "b"+p.name()+p.items(native, depth+1), p.name())
		case n <= 2 && depth < 3:
			fmt.Fprintf(&b, "%s/(%s)%s", []string{"B", "H", "{leb}", "{vlq}"}[p.r.IntN(4)], "B"+p.name()+p.inner(native, depth+1), p.name())
		case n <= 5:
			if len(p.scope) == 0 || p.r.IntN(2) == 0 {
				p.names++
				fmt.Fprintf(&b, "%s:c%d:", []string{"B", "H", "{leb}", "{u24}"}[p.r.IntN(4)], p.names)
				p.scope = append(p.scope, p.names)
			}
			counter := p.scope[p.r.IntN(len(p.scope))]
			if p.r.IntN(2) == 0 {
				b.WriteString("h" + p.name())
			}
			fmt.Fprintf(&b, "{#c%d}", counter)
			switch p.r.IntN(4) {
			case 0:
				b.WriteString("s" + p.name())
			case 1:
				b.WriteString([]string{"H", "{z}", "d", "{bits 4,4}", "c"}[p.r.IntN(5)] + p.name())
			case 2:
				b.WriteString("(H" + p.name() + p.inner(native, depth+1) + ")" + p.name())
			default:
				fmt.Fprintf(&b, "s%s{#c%d}(B%s)%s", p.name(), counter, p.name(), p.name())
			}
		case n == 6:
			b.WriteString("{=cafe}")
		case n == 7:
			b.WriteString([]string{"{from}2H{crc32}", "{crc32c}", "{crc16}", "{from}{inet}s{to}", "{sum8}", "{from}B{adler32}B{to}"}[p.r.IntN(6)])
			if p.named {
				b.Reset()
				p.scope = p.scope[:outer]
			}
		case n == 8:
			b.WriteString([]string{"{<}", "{>}", "{=}", "{!}"}[p.r.IntN(4)])
		case n == 9:
			b.WriteString([]string{"{align 4}", "{align 3}", "2x"}[p.r.IntN(3)])
		case n == 10:
			b.WriteString("{bits< 1,3,4}" + p.name())
		case n == 11:
			b.WriteString(extended[p.r.IntN(len(extended))] + p.name())
		default:
			if p.r.IntN(3) == 0 {
				b.WriteString(strconv.Itoa(p.r.IntN(3)))
			}
			b.WriteString(string("cbB?hHiIqQefdsp"[p.r.IntN(15)]) + p.name())
		}
	}
	return b.String()
}

// randomFields are values of s; counts are those by slot.
func randomFields(r *rand.Rand, s *sequence, counts []int) []string {
	var fields []string
	for i := range s.items {
		it := &s.items[i]
		if it.kind == group {
			n := int(it.Count)
			if it.counter > 0 {
				n = counts[it.counter-1]
			} else if it.Rest {
				n = r.IntN(3)
			}
			for range n {
				fields = append(fields, randomFields(r, it.group, counts)...)
			}
			continue
		}
		n := it.elements * it.perElement
		if it.Rest {
			n = 1
		}
		if it.computed() {
			counts[it.slot-1] = -1
		}
		for j := range n {
			fields = append(fields, randomText(r, it, int(j), counts))
		}
	}
	return fields
}

// randomText is the text of one value.
func randomText(r *rand.Rand, it *item, j int, counts []int) string {
	switch it.kind {
	case integer, varint:
		n := r.IntN(100)
		if it.slot > 0 {
			n = r.IntN(4)
			counts[it.slot-1] = n
		}
		return strconv.Itoa(n)
	case bitfield:
		return strconv.Itoa(r.IntN(2))
	case char:
		return "x"
	case bytesOf, prefixed, terminated, pascal:
		n := r.IntN(5)
		if it.counter > 0 && counts[it.counter-1] >= 0 {
			n = counts[it.counter-1]
		} else if it.counter > 0 {
			counts[it.counter-1] = n
		}
		return strings.Repeat([]string{"a", " ", `\n`, `\xc3`}[r.IntN(4)], n)
	case float:
		return "1.5"
	case complexNum:
		return "1+2j"
	case truth:
		return "1"
	case hexBytes:
		return strings.Repeat("0a", it.width)
	case ip4:
		return "10.0.0.1"
	case ip6:
		return "::1"
	case mac:
		return "00:01:02:03:04:05"
	case uuid:
		return "123e4567-e89b-12d3-a456-426614174000"
	}
	return "2026-11-28T12:00:00Z"
}

// TestProtocols packs random values of random formats, and unpacks them as text, as
// JSON and as a dump, at once and byte by byte; what comes out is packed again. No byte
// behind a record is read.
func TestProtocols(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	for range rounds() {
		p := protocol{r: r}
		text := p.text()
		f, err := Parse(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		counts := make([]int, f.slots)
		for i := range counts {
			counts[i] = -1
		}
		fields := randomFields(r, &f.sequence, counts)
		record, err := packed(f, fields)
		if err != nil {
			t.Fatalf("%q %q: %v", text, fields, err)
		}
		if size, fixed := f.Size(); int64(len(record)) < size || fixed && int64(len(record)) != size {
			t.Fatalf("%q: %d bytes, size %d %v", text, len(record), size, fixed)
		}
		if src := strings.NewReader(string(record) + "more"); !f.rest && f.size > 0 {
			if _, err := NewDecoder(f, Options{}).Decode(io.Discard, src, 1); err != nil || src.Len() != len("more") {
				t.Fatalf("%q %x: %d bytes are left behind it, not %d, %v", text, record, src.Len(), len("more"), err)
			}
		}
		for _, o := range []Options{{Exact: true, Max: 1 << 20}, {Exact: true, Max: 1 << 20, JSON: true}, {Exact: true, Explain: true},
			{Exact: true, Max: 1 << 20, Separator: ","}, {Exact: true, Max: 1 << 20, Radix: 16, Separator: ": ", Null: true}} {
			if o.JSON && o.CheckNames(f) != nil {
				continue
			}
			got, err := decoded(t, f, o, bytes.NewReader(record))
			slow, slowErr := slowly(t, f, o, record)
			if err != nil || slowErr != nil || got != slow {
				t.Fatalf("%q %q %x: %q %v, byte by byte %q %v", text, fields, record, got, err, slow, slowErr)
			}
			if o.Explain {
				continue
			}
			var again bytes.Buffer
			if _, err := NewEncoder(f, o).EncodeLines(&again, strings.NewReader(got), -1); err != nil || !bytes.Equal(again.Bytes(), record) {
				t.Fatalf("%q %q: %x printed as %q is %x, %v", text, fields, record, got, again.Bytes(), err)
			}
		}
		// What is cut or damaged is an error or other values, and never a panic.
		if len(record) > 0 {
			bad := bytes.Clone(record[:r.IntN(len(record))+1])
			bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
			for _, o := range []Options{{Max: 1 << 20}, {Max: 1 << 20, JSON: true}, {Explain: true}} {
				got, err := decoded(t, f, o, bytes.NewReader(bad))
				slow, slowErr := slowly(t, f, o, bad)
				if got != slow || fmt.Sprint(err) != fmt.Sprint(slowErr) {
					t.Fatalf("%q %x: %q %v, byte by byte %q %v", text, bad, got, err, slow, slowErr)
				}
			}
		}
	}
}

// FuzzProtocol decodes arbitrary bytes with arbitrary formats, at once and byte by byte.
func FuzzProtocol(f *testing.F) {
	for _, s := range []string{"!{=89504e470d0a1a0a}*(I:n:{from}4s:type:{#n}s:data:{crc32})", "H/(IHH)", "*(HB)", "H:n:H:m:{#n}s:name:{#m}s:extra:",
		"!{from}BBHHHBB{inet}{ip4}{ip4}{to}", "@3(Bl){align 8}", "<H{>}H{bits< 3,5}", "B:n:{#n}H{#n}x", "2(2(B/(B/s)))", "{leb}:n:{#n}s{#n}({z})"} {
		f.Add(s, []byte("\x00\x02\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09"), false)
		f.Add(s, bytes.Repeat([]byte{1}, 40), true)
	}
	f.Fuzz(func(t *testing.T, text string, data []byte, json bool) {
		format, err := Parse(text)
		if err != nil || format.values > 1<<10 || format.size > 1<<16 || format.fixed && format.size == 0 {
			return
		}
		format.Layout(Options{})
		if large := func(it *item) bool { return it.Count > 1<<10 || it.width > 1<<16 }; format.any(large) {
			return
		}
		o := Options{Max: 1 << 20, JSON: json}
		if json && o.CheckNames(format) != nil {
			return
		}
		got, err := decoded(t, format, o, bytes.NewReader(data))
		slow, slowErr := slowly(t, format, o, data)
		if got != slow || fmt.Sprint(err) != fmt.Sprint(slowErr) {
			t.Fatalf("%q %x: %q %v, byte by byte %q %v", text, data, got, err, slow, slowErr)
		}
		dump := Options{Max: 1 << 20, Explain: true}
		got, err = decoded(t, format, dump, bytes.NewReader(data))
		slow, slowErr = slowly(t, format, dump, data)
		if got != slow || fmt.Sprint(err) != fmt.Sprint(slowErr) {
			t.Fatalf("%q %x: dump %q %v, byte by byte %q %v", text, data, got, err, slow, slowErr)
		}
	})
}

// TestGroupCount checks that a count with little behind it allocates and prints
// little.
func TestGroupCount(t *testing.T) {
	for _, text := range []string{"I/(IHH)", "I:n:{#n}H", "I:n:{#n}(4x)", "I:n:{#n}s", "I/(4(H/(B)))"} {
		f, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range []Options{{}, {JSON: true}, {Explain: true}} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := NewDecoder(f, o).Decode(io.Discard, strings.NewReader("\xff\xff\xff\xffabcdefgh"), -1)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Errorf("%s: no error", text)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
				t.Errorf("%s: 12 bytes allocate %d", text, n)
			}
		}
		if f.sized {
			continue // it is a length, and no value
		}
		var b bytes.Buffer
		if _, err := NewEncoder(f, Options{Max: 1 << 20}).EncodeValues(&b, []string{"4294967295", "1", "2", "3"}, -1); err == nil {
			t.Errorf("%s: packed", text)
		}
	}
}

// TestEmptyElements checks that groups whose elements take no byte have a limit, whether
// the count is in the data or in the format.
func TestEmptyElements(t *testing.T) {
	for _, test := range []struct {
		format string
		bad    bool
	}{{"65536(0s)B", false}, {"65537(0s)B", true}, {"99999999999(0s)I", true}, {"255(256(0s))B", false}, {"257(256(0s))B", true}} {
		f, err := Parse(test.format)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewDecoder(f, Options{}).Decode(io.Discard, strings.NewReader("\x01\x02\x03\x04"), 1); (err != nil) != test.bad {
			t.Errorf("%s: %v", test.format, err)
		}
	}
}

// TestChecksums holds the algorithms to the check values of their catalogues.
func TestChecksums(t *testing.T) {
	for _, test := range []struct {
		name, input string
		want        uint64
	}{
		{"crc32", "123456789", 0xcbf43926},
		{"crc32c", "123456789", 0xe3069283},
		{"crc16", "123456789", 0x29b1},
		{"adler32", "Wikipedia", 0x11e60398},
		{"sum8", "\x80\x81", 0x01},
		{"inet", "\x00\x01\xf2\x03\xf4\xf5\xf6\xf7", 0x220d},
		{"inet", "\x01", 0xfeff},
	} {
		whole, pieces := algorithms[test.name].begin(), algorithms[test.name].begin()
		whole.add([]byte(test.input))
		for i := range len(test.input) {
			pieces.add([]byte(test.input[i : i+1]))
		}
		if whole.sum() != test.want || pieces.sum() != test.want {
			t.Errorf("%s %q: %x, in pieces %x, want %x", test.name, test.input, whole.sum(), pieces.sum(), test.want)
		}
	}
}

// TestChecksumsCovered checks that the bytes of a checksum with a {to} are zero to
// itself and no other: what packing writes, unpacking accepts.
func TestChecksumsCovered(t *testing.T) {
	for _, text := range []string{"B{sum8}B{to}H{sum8}", "B{sum8}B{to}H{sum8}B{to}", "2(B{crc32}B{to}){crc32}", "B{crc16}B{to}B{sum8}"} {
		f, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		values := strings.Fields("1 2 3 4 5 6 7 8 9")
		n, _ := f.Values()
		var record, line bytes.Buffer
		if _, err := NewEncoder(f, Options{}).EncodeValues(&record, values[:n], -1); err != nil {
			t.Fatal(err)
		}
		if _, err := NewDecoder(f, Options{}).Decode(&line, &record, -1); err != nil || line.String() != strings.Join(values[:n], "\t")+"\n" {
			t.Errorf("%s: %q %v", text, line.String(), err)
		}
	}
}
