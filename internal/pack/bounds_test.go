package pack

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
)

// The bounds that SECURITY of gcat(7) names, each at the bound and one more.

func TestBoundNesting(t *testing.T) {
	for depth, ok := range map[int]bool{16: true, 17: false} {
		if _, err := Parse(strings.Repeat("2(", depth) + "B" + strings.Repeat(")", depth)); (err == nil) != ok {
			t.Errorf("%d groups: %v", depth, err)
		}
	}
}

// A line of input is read up to four times --max, and one that goes on is refused.
func TestBoundLine(t *testing.T) {
	f, err := Parse("{z}")
	if err != nil {
		t.Fatal(err)
	}
	const most = 4 << 20
	src := &countingReader{r: repeated('x')}
	_, err = NewEncoder(f, Options{Max: most / 4}).EncodeLines(io.Discard, src, -1)
	if err == nil || src.n < most || src.n > most+chunkSize {
		t.Errorf("%d bytes were read: %v", src.n, err)
	}
	line := strings.Repeat(`\x41`, most/4-1) + "\n" // and the NUL
	if _, err := NewEncoder(f, Options{Max: most / 4}).EncodeLines(io.Discard, strings.NewReader(line), -1); err != nil {
		t.Errorf("a line of %d bytes: %v", len(line), err)
	}
}

// The text of a record that is not complete takes at most 4 MiB; what comes after is
// printed as it is made.
func TestBoundText(t *testing.T) {
	f, err := Parse("<Q/(B)")
	if err != nil {
		t.Fatal(err)
	}
	const count = 4 << 20
	src := &countingReader{r: io.MultiReader(bytes.NewReader(binary.LittleEndian.AppendUint64(nil, count)), io.LimitReader(repeated(255), count))}
	first := int64(0)
	dst := writerFunc(func(p []byte) (int, error) {
		if first == 0 {
			first = src.n
		}
		return len(p), nil
	})
	if _, err := NewDecoder(f, Options{}).Decode(dst, src, 1); err != nil {
		t.Fatal(err)
	}
	if most := int64(4<<20/len("255 ") + 2*chunkSize); first > most {
		t.Errorf("%d bytes were read before text was written, want at most %d", first, most)
	}
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

type repeated byte

func (b repeated) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
