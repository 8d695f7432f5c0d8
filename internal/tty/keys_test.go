package tty

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// x/term gets complete characters and sequences that end, however the keys arrive.
func TestKeys(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"plain", "a é 世\t", "a é 世\t"},
		{"Latin-1", "caf\xe9 \xff", "caf\a \a"},
		{"cut-off character", "\xe4\xb8a", "\a\aa"},
		{"U+FFFD", "\ufffd", "\a\a\a"},
		{"arrow", "\x1b[Ax", "\x1b[Ax"},
		{"arrow of an application", "\x1bOAOA", "\x1b[AOA"},
		{"no sequence", "\x1b[9999999999999999999", "\x1b[99999999999999~9999"},
		{"^D of the terminal's own editing", "a\x00", "a\x04"},
	} {
		for _, in := range []io.Reader{bytes.NewReader([]byte(test.in)), iotest.OneByteReader(bytes.NewReader([]byte(test.in)))} {
			got, err := io.ReadAll(&keys{Reader: in})
			if err != nil || string(got) != test.want {
				t.Errorf("%s: %q, %v; want %q", test.name, got, err, test.want)
			}
		}
	}
	for in, want := range map[string]error{"ab\x03c": ErrInterrupt, "ab": io.EOF} {
		k := &keys{Reader: bytes.NewReader([]byte(in))}
		if _, _ = io.ReadAll(k); k.cause(io.EOF) != want {
			t.Errorf("%q: %v", in, k.cause(io.EOF))
		}
	}
}

// FuzzKeys: text passes unchanged, and nothing reaches x/term that it cannot take.
func FuzzKeys(f *testing.F) {
	for _, seed := range []string{"", "a\tb", "\xe9", "\ufffd", "\xe4\xb8", "\x1bO", "\x1b000000000000000\u0268"} {
		f.Add([]byte(seed), uint8(3))
	}
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		if len(in) > 0 && !utf8.FullRune(in[max(0, len(in)-utf8.UTFMax):]) {
			return // a character is still to come
		}
		got, err := io.ReadAll(&keys{Reader: &pieces{in, 1 + int(size)%8}})
		if err != nil || bytes.ContainsRune(got, utf8.RuneError) {
			t.Fatalf("%q: x/term gets %q, %v", in, got, err)
		}
		if utf8.Valid(in) && !bytes.ContainsAny(in, "\x00\x1b\ufffd") && !bytes.Equal(got, in) {
			t.Fatalf("%q: x/term gets %q", in, got)
		}
	})
}

// pieces is a reader of a few bytes at once.
type pieces struct {
	rest []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.rest[:min(len(p.rest), p.size)])
	p.rest = p.rest[n:]
	return n, nil
}
