package pack

import (
	"bytes"
	"encoding/binary"
	"io"
	"runtime"
	"strings"
	"testing"
)

// TestLengthAllocates checks that a length field does not make us allocate what is
// not there.
func TestLengthAllocates(t *testing.T) {
	allocated := func(f func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	const input = "\xff\xff\xff\xffabc"
	format, _ := Parse("!I")
	header, _ := NewHeader(format, "")
	text, _ := Parse("!I/s")
	for _, max := range []int64{0, 8 << 30} {
		n := allocated(func() {
			if _, err := NewDeframer(header, Options{Max: max}).Deframe(io.Discard, strings.NewReader(input), -1); err == nil {
				t.Error("no error")
			}
		})
		if n > 1<<20 {
			t.Errorf("a frame with 3 bytes allocates %d", n)
		}
		n = allocated(func() {
			for _, json := range []bool{false, true} {
				if _, err := NewDecoder(text, Options{Max: max, JSON: json}).Decode(io.Discard, strings.NewReader(input), -1); err == nil {
					t.Error("no error")
				}
			}
		})
		if n > 1<<20 {
			t.Errorf("a string with 3 bytes allocates %d", n)
		}
	}
}

// TestFrameRoundTrip frames payloads of all sizes around the buffers' and takes
// them apart again.
func TestFrameRoundTrip(t *testing.T) {
	f, err := Parse("!B{leb}")
	if err != nil {
		t.Fatal(err)
	}
	h, err := NewHeader(f, "")
	if err != nil {
		t.Fatal(err)
	}
	fr, err := NewFramer(h, Options{}, 3, []string{"7"})
	if err != nil {
		t.Fatal(err)
	}
	var stream bytes.Buffer
	var want []byte
	for _, n := range []int{0, 1, 124, 125, readyText - 1, readyText, readyText + 1, chunkSize, 3 * chunkSize} {
		payload := bytes.Repeat([]byte{byte(n), '\n'}, n)[:n]
		want = append(want, payload...)
		if _, err := fr.Frame(&stream, bytes.NewReader(payload)); err != nil {
			t.Fatal(err)
		}
	}
	d := NewDeframer(h, Options{})
	d.Adjust = 3
	var got bytes.Buffer
	count, err := d.Deframe(&got, &stream, -1)
	if err != nil || !bytes.Equal(got.Bytes(), want) || count.Records != 9 {
		t.Fatalf("%d frames, %d bytes of %d, %v", count.Records, got.Len(), len(want), err)
	}
}

// TestPayloadText checks that the text of a large payload is written piece by piece, and
// that characters at the edges of the pieces stay whole.
func TestPayloadText(t *testing.T) {
	f, err := Parse("!I")
	if err != nil {
		t.Fatal(err)
	}
	h, err := NewHeader(f, "")
	if err != nil {
		t.Fatal(err)
	}
	payload := strings.Repeat("é\x00漢", 1<<18)
	frame := string(binary.BigEndian.AppendUint32(nil, uint32(len(payload)))) + payload
	d := NewDeframer(h, Options{})
	d.Lines = true
	var text bytes.Buffer
	var before, after runtime.MemStats
	text.Grow(4 * len(payload))
	runtime.ReadMemStats(&before)
	_, err = d.Deframe(&text, strings.NewReader(frame), -1)
	runtime.ReadMemStats(&after)
	if want := strings.Repeat(`é\x00漢`, 1<<18) + "\n"; err != nil || text.String() != want {
		t.Errorf("%d bytes, %v, want %d", text.Len(), err, len(want))
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > uint64(5*len(payload)) {
		t.Errorf("%d bytes of payload allocate %d", len(payload), n)
	}
}
