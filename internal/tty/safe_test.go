package tty

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// shown is what a Safe writer makes of chunks.
func shown(t testing.TB, chunks ...string) string {
	t.Helper()
	var b strings.Builder
	s := Safe{W: &b}
	for _, c := range chunks {
		if n, err := s.Write([]byte(c)); n != len(c) || err != nil {
			t.Fatalf("%q: %d, %v", c, n, err)
		}
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSafe(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"plain", "a line\r\n\ttabbed ~\n", "a line\r\n\ttabbed ~\n"},
		{"UTF-8", "é世界🙂 ñ", "é世界🙂 ñ"},
		{"title", "\x1b]0;pwned\a", "^[]0;pwned^G"},
		{"title report", "\x1b[21t", "^[[21t"},
		{"cursor report", "\x1b[6n", "^[[6n"},
		{"clipboard, OSC 52", "\x1b]52;c;cm0gLXJmIH4K\x1b\\", "^[]52;c;cm0gLXJmIH4K^[\\"},
		{"end of a bracketed paste", "\x1b[201~rm -rf ~\n", "^[[201~rm -rf ~\n"},
		{"answerback", "\x05", "^E"},
		{"C1 raw", "\x9b31m\x9d0;x\x9c", `\x9b31m\x9d0;x\x9c`},
		{"C1 in UTF-8", "\u009b31m\u009d0;x\u009c\u0085", `\xc2\x9b31m\xc2\x9d0;x\xc2\x9c\xc2\x85`},
		{"shift out", "\x0e\x0f", "^N^O"},
		{"backspaces", "safe\b\b\b\bevil", "safe^H^H^H^Hevil"},
		{"NUL, DEL, form feed", "\x00\x7f\f", "^@^?^L"},
		{"direction", "a\u202eb\u2066c\u200f", `a\xe2\x80\xaeb\xe2\x81\xa6c\xe2\x80\x8f`},
		{"not UTF-8", "\xff\xfe\xc0\x9b", `\xff\xfe\xc0\x9b`},
		{"too long a spelling of ESC", "\xc0\x9b\xe0\x80\x9b", `\xc0\x9b\xe0\x80\x9b`},
		{"surrogate", "\xed\xa0\x80", `\xed\xa0\x80`},
		{"cut off", "x\xe4\xb8", `x\xe4\xb8`},
		{"C1 after the start of a character", "\xe4\x9b\x1b[m", `\xe4\x9b^[[m`},
	} {
		if got := shown(t, test.in); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
		if got := shown(t, strings.Split(test.in, "")...); utf8.ValidString(test.in) && got != test.want {
			t.Errorf("%s, character by character: got %q", test.name, got)
		}
	}
}

// The beginning of a character is buffered; text before it is not.
func TestSafeWaits(t *testing.T) {
	var b strings.Builder
	s := Safe{W: &b}
	for _, step := range []struct{ in, want string }{{"a\xf0", "a"}, {"\x9f\x99", "a"}, {"\x82b", "a🙂b"}} {
		if _, err := s.Write([]byte(step.in)); err != nil || b.String() != step.want {
			t.Errorf("after %q: %q, %v", step.in, &b, err)
		}
	}
}

type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestSafeFails(t *testing.T) {
	s := Safe{W: full{}}
	if n, err := s.Write([]byte("abc")); n != 0 || err != errFull {
		t.Errorf("%d, %v", n, err)
	}
}

// FuzzSafe: nothing that a terminal obeys comes out, however the bytes are cut.
func FuzzSafe(f *testing.F) {
	for _, seed := range []string{"", "a\x1b[31m", "\x9b\xc2\x9b", "世\x00", "\xf0\x9f\x99", "\xe4\x9b\x1b"} {
		f.Add([]byte(seed), 1, 2)
	}
	f.Fuzz(func(t *testing.T, in []byte, first, second int) {
		whole := shown(t, string(in))
		for _, c := range whole {
			if c < ' ' && c != '\n' && c != '\t' && c != '\r' || c >= 0x7f && c <= 0x9f || redirects(c) {
				t.Fatalf("%q let %q through", in, c)
			}
		}
		if !utf8.ValidString(whole) {
			t.Fatalf("%q became %q", in, whole)
		}
		i := min(len(in), max(0, first))
		j := min(len(in), max(i, second))
		if cut := shown(t, string(in[:i]), string(in[i:j]), string(in[j:])); cut != whole {
			t.Fatalf("%q cut at %d and %d: %q, whole %q", in, i, j, cut, whole)
		}
		var bytewise []string
		for k := range in {
			bytewise = append(bytewise, string(in[k:k+1]))
		}
		if cut := shown(t, bytewise...); cut != whole {
			t.Fatalf("%q byte by byte: %q, whole %q", in, cut, whole)
		}
	})
}

func BenchmarkSafe(b *testing.B) {
	text := bytes.Repeat([]byte("An ordinary line of text, as most are.\n"), 1000)
	s := Safe{W: discard{}}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		_, _ = s.Write(text)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
