package filter

import (
	"gcat/internal/testing/script"

	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestTelnetParse(t *testing.T) {
	for _, test := range []struct{ in, text, answers string }{
		{"hello", "hello", ""},
		{"\xff\xfd\x01hello\xff\xfb\x03", "hello", "\xff\xfc\x01\xff\xfe\x03"},
		{"\xff\xfc\x01\xff\xfe\x03", "", ""},                         // WONT and DONT need no answer
		{"a\xff\xffb", "a\xffb", ""},                                 // the byte itself
		{"a\xff\xfa\x18\x01abc\xff\xff\xff\xf0b", "ab", ""},          // a subnegotiation with an escaped byte
		{"a\xff\xf1\xff\xf9b", "ab", ""},                             // NOP, GA
		{"\xff\xfd\xff\xff\xfb\xff", "", "\xff\xfc\xff\xff\xfe\xff"}, // option 255
	} {
		for cut := range len(test.in) + 1 {
			var p Telnet
			text, answers := p.parse([]byte(test.in[:cut]))
			text, answers = slices.Clone(text), slices.Clone(answers)
			more, moreAnswers := p.parse([]byte(test.in[cut:]))
			if got := string(append(text, more...)); got != test.text {
				t.Errorf("%q cut at %d: text %q, want %q", test.in, cut, got, test.text)
			}
			if got := string(append(answers, moreAnswers...)); got != test.answers {
				t.Errorf("%q cut at %d: answers %q, want %q", test.in, cut, got, test.answers)
			}
		}
	}
}

func TestTelnetWrite(t *testing.T) {
	s := newPieces()
	if n, err := (&Telnet{Stream: s}).Write([]byte("a\xffb")); n != 3 || err != nil {
		t.Error(n, err)
	}
	if got := s.written(); got != "a\xff\xffb" {
		t.Errorf("%q", got)
	}
}

// A peer that asks without end and never reads costs no memory.
func TestTelnetBounded(t *testing.T) {
	stuck := &stuckWriter{pieces: newPieces(slices.Repeat([]string{strings.Repeat("\xff\xfd\x01", 100)}, 1000)...), leave: make(chan struct{})}
	telnet := &Telnet{Stream: stuck}
	if _, err := script.ReadEach(t, telnet, 1<<16); err == nil {
		t.Error("no end")
	}
	telnet.mu.Lock()
	if n := len(telnet.answers); n > 16<<10 || n < 15<<10 {
		t.Errorf("%d bytes wait, want 16 KiB", n)
	}
	telnet.mu.Unlock()
	close(stuck.leave)
}

type stuckWriter struct {
	*pieces
	leave chan struct{}
}

func (s *stuckWriter) Write(p []byte) (int, error) { <-s.leave; return len(p), nil }

func FuzzTelnet(f *testing.F) {
	f.Add([]byte("\xff\xfd\x01hello\xff\xfb\x03\xff\xfa\x18\x01\xff\xf0 w\xff\xffx"), 3)
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		cut = max(0, min(cut, len(in)))
		var whole, parts Telnet
		text, answers := whole.parse(bytes.Clone(in))
		if len(text)+len(answers) > len(in) {
			t.Errorf("%q grew to %q and %q", in, text, answers)
		}
		a, b := parts.parse(bytes.Clone(in[:cut]))
		c, d := parts.parse(bytes.Clone(in[cut:]))
		if got := append(bytes.Clone(a), c...); !bytes.Equal(got, text) {
			t.Errorf("%q cut at %d is %q, whole %q", in, cut, got, text)
		}
		if got := append(bytes.Clone(b), d...); !bytes.Equal(got, answers) {
			t.Errorf("%q cut at %d is answered %q, whole %q", in, cut, got, answers)
		}
		if !bytes.Contains(in, []byte{telnetIAC}) && !bytes.Equal(text, in) {
			t.Errorf("plain %q became %q", in, text)
		}
		for i := 0; i < len(answers); i += 3 {
			if answers[i] != telnetIAC || answers[i+1] != telnetWont && answers[i+1] != telnetDont {
				t.Errorf("answered %q", answers)
			}
		}
	})
}
