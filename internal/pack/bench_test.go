package pack

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strconv"
	"testing"
)

// benchmarked are the formats whose speed is watched: the one that matters most,
// a mixed one, floats and strings.
var benchmarked = []string{"!I", "<q", "!BHIq8sd", "!4H", "!d", "!16s", "!H/s", "!{leb}H"}

// benchData is about a megabyte of whole records of f.
func benchData(b *testing.B, f *Format) ([]byte, []byte) {
	r := rand.New(rand.NewPCG(1, 2))
	var s packer
	var records []byte
	e := NewEncoder(f, Options{})
	for len(records) < 1<<20 {
		var fields []field
		for i := range f.items {
			for range f.items[i].elements {
				fields = append(fields, field{text: benchValue(r, &f.items[i])})
			}
		}
		next, err := e.record(records, fields, &s)
		if err == nil {
			records = next
		}
	}
	var text bytes.Buffer
	if _, err := NewDecoder(f, Options{}).Decode(&text, bytes.NewReader(records), -1); err != nil {
		b.Fatal(err)
	}
	return records, text.Bytes()
}

// benchValue is a value as it occurs in the wild: integers of all bits, floats of
// a moderate size, words.
func benchValue(r *rand.Rand, it *item) []byte {
	switch it.kind {
	case float:
		return appendFloat(nil, r.NormFloat64(), it.width)
	case integer:
		return fromTwos(0, r.Uint64()>>(64-8*it.width), 8*it.width, it.signed).append(nil)
	case varint:
		return strconv.AppendUint(nil, r.Uint64()>>r.IntN(64), 10)
	}
	return []byte("some words")[:min(it.Count+2, 10)]
}

func BenchmarkDecode(b *testing.B) {
	for _, format := range benchmarked {
		b.Run(format, func(b *testing.B) {
			f, err := Parse(format)
			if err != nil {
				b.Fatal(err)
			}
			records, _ := benchData(b, f)
			d := NewDecoder(f, Options{})
			b.SetBytes(int64(len(records)))
			b.ReportAllocs()
			var out []byte
			for b.Loop() {
				if f.fixed {
					out = d.convert(out[:0], records, 0)
				} else if _, err := d.Decode(io.Discard, bytes.NewReader(records), -1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, format := range benchmarked {
		b.Run(format, func(b *testing.B) {
			f, err := Parse(format)
			if err != nil {
				b.Fatal(err)
			}
			records, text := benchData(b, f)
			e := NewEncoder(f, Options{})
			b.SetBytes(int64(len(records)))
			b.ReportAllocs()
			var s packer
			var out []byte
			for b.Loop() {
				if out, _, err = e.lines(out[:0], text, &s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkGroups decodes groups by the cursor.
func BenchmarkGroups(b *testing.B) {
	for _, format := range []string{"*(HB)", "H/(IHH)", "*(B/sH)"} {
		b.Run(format, func(b *testing.B) {
			f, err := Parse(format)
			if err != nil {
				b.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 2))
			data := make([]byte, 3<<18)
			for i := range data {
				data[i] = byte(r.Uint32())
			}
			d := NewDecoder(f, Options{})
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				d.Decode(io.Discard, bytes.NewReader(data), -1)
			}
		})
	}
}

// BenchmarkJSON encodes objects.
func BenchmarkJSON(b *testing.B) {
	f, err := Parse("!H:port:I:len:")
	if err != nil {
		b.Fatal(err)
	}
	e := NewEncoder(f, Options{JSON: true})
	text := bytes.Repeat([]byte("{\"port\":80,\"len\":123456}\n"), 1000)
	b.SetBytes(int64(len(text)))
	var s packer
	var out []byte
	for b.Loop() {
		if out, _, err = e.lines(out[:0], text, &s); err != nil {
			b.Fatal(err)
		}
	}
}
