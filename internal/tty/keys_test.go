package tty

import (
	"testing"
	"unicode/utf8"
)

func TestKeys(t *testing.T) {
	for _, test := range []struct{ name, in, editor, sent string }{
		{"plain", "a é 世", "a é 世", "a é 世"},
		{"tab", "a\tb", "a␉b", "a\tb"},
		{"the picture of a tab", "a␉b", "a\U0010fee2\U0010fe90\U0010fe89b", "a␉b"},
		{"^V escape", "\x16\x1b[m", "␛[m", "\x1b[m"},
		{"^V delete, ^V x", "\x16\x7f\x16x", "␡x", "\x7fx"},
		{"Latin-1", "caf\xe9 \xff", "caf\U0010fee9 \U0010feff", "caf\xe9 \xff"},
		{"cut-off character", "\xe4\xb8a", "\U0010fee4\U0010feb8a", "\xe4\xb8a"},
		{"U+FFFD", "\ufffd", "\U0010feef\U0010febf\U0010febd", "\ufffd"},
		{"private", "\U0010ffff", "\U0010fef4\U0010fe8f\U0010febf\U0010febf", "\U0010ffff"},
	} {
		var k keys
		got, err := k.append(nil, []byte(test.in))
		if err != nil || string(got) != test.editor {
			t.Errorf("%s: the editor gets %q, %v", test.name, got, err)
		}
		if sent := typed(string(got)); sent != test.sent {
			t.Errorf("%s: %q is sent", test.name, sent)
		}
	}
}

func TestFunctionKeys(t *testing.T) {
	for in, want := range map[string]string{
		"\x1b[A": "\x1b[A", "\x1bOA": "\x1b[A", "\x1b[1~": "\x1b[H", "\x1b[200~x\x1b[201~": "x",
		"\x1b[99999999999999999999": "999999", "\b": "\x7f", "\x04": "\x04", "\x00": "\x04", "\x16\x00": "␀",
	} {
		var k keys
		var got []byte
		for i := range len(in) {
			got, _ = k.append(got, []byte{in[i]})
		}
		if string(got) != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	var k keys
	if got, err := k.append(nil, []byte("ab\x03c")); string(got) != "ab" || err != ErrInterrupt {
		t.Errorf("^C: %q, %v", got, err)
	}
}

// FuzzKeys: text comes out of the editor as it went in, and nothing reaches it
// that it cannot take.
func FuzzKeys(f *testing.F) {
	for _, seed := range []string{"", "a\tb", "␉", "\xe9", "\ufffd", "\U0010ffff", "\xe4\xb8"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var k keys
		var got []byte
		for i := range len(in) {
			if c := in[i]; c < ' ' || c == 0x7f {
				got, _ = k.append(got, []byte{22})
			}
			got, _ = k.append(got, []byte{in[i]})
		}
		if len(k.char) > 0 {
			return // a character is still to come
		}
		for _, r := range string(got) {
			if r < ' ' || r == utf8.RuneError {
				t.Fatalf("%q: the editor gets %q", in, got)
			}
		}
		if back := typed(string(got)); back != in {
			t.Fatalf("%q came back as %q", in, back)
		}
	})
}
