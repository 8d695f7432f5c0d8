package pack

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// byCursor decodes records by the general path alone.
func (d *Decoder) byCursor(chunk []byte, offset int64) []byte {
	c := d.newCursor(io.Discard, bytes.NewReader(nil), false)
	c.t.buf, c.t.end = chunk, len(chunk)
	for len(c.t.bytes()) > 0 && c.record(offset) == nil {
		offset += c.at
	}
	return c.ready
}

// TestFastDecoding compares the two paths of decoding, on random formats with every
// option that changes the text.
func TestFastDecoding(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	tried := 0
	for range rounds() {
		f, err := Parse(anyFormat(r))
		if err != nil || !f.fixed || f.size == 0 || f.size > 1<<10 {
			continue
		}
		o := Options{JSON: r.IntN(3) == 0, Raw: r.IntN(4) == 0, Trim: r.IntN(2) == 0, Offsets: r.IntN(2) == 0, Null: r.IntN(4) == 0,
			Radix: []int{0, 16, 8, 2}[r.IntN(4)], Separator: []string{"", "", ",", "ab-", "é"}[r.IntN(5)]}
		o.Shell = !o.JSON && r.IntN(3) == 0
		if n, _ := f.Values(); r.IntN(2) == 0 && n > 0 {
			for i := range n {
				o.Names = append(o.Names, fmt.Sprint("v", i))
			}
		}
		if o.CheckNames(f) != nil {
			o.Shell = false
		}
		if o.JSON && o.CheckNames(f) != nil {
			continue
		}
		d := NewDecoder(f, o)
		chunk := randomBytes(r)
		for int64(len(chunk)) < 3*f.size {
			chunk = append(chunk, byte(r.IntN(256)))
		}
		chunk = chunk[:int64(len(chunk))/f.size*f.size]
		if got, want := d.convert(nil, chunk, 7), d.byCursor(chunk, 7); !bytes.Equal(got, want) {
			t.Fatalf("%q %+v: %q, by the cursor %q", f.Text, o, got, want)
		}
		tried++
	}
	if tried < rounds()/20 {
		t.Errorf("only %d formats were tried", tried)
	}
}
