package proxy

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// fuzz feeds what a proxy may say to one of the readers. It must say yes or no
// in words fit for a terminal, and leave alone what comes behind a yes: the
// bytes it took must say yes by themselves, and no fewer of them may.
func fuzz(f *testing.F, read func(io.Reader) error) {
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		err := read(r)
		taken := data[:len(data)-r.Len()]
		if len(taken) > 2*maxHeader {
			t.Fatalf("it took %d bytes", len(taken))
		}
		if err != nil {
			text := err.Error()
			if len(text) > 1000 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Fatalf("%q", text)
			}
			return
		}
		if err := read(bytes.NewReader(taken)); err != nil {
			t.Fatalf("%q is a yes, but on its own %v", taken, err)
		}
		if len(taken) == 0 {
			t.Fatal("silence is a yes")
		}
		if err := read(bytes.NewReader(taken[:len(taken)-1])); err == nil {
			t.Fatalf("%q is a yes, and so is less", taken)
		}
	})
}

var anyone = target{name: "a", port: 80}

func FuzzSocks5Reply(f *testing.F) {
	for _, s := range []string{ok5, "\x05\x00\x00\x03\x02xyzz", "\x05\x00\x00\x04" + strings.Repeat("x", 20), "\x05\x05", "\x05\xff", "\x04", ""} {
		f.Add([]byte(s))
	}
	fuzz(f, func(r io.Reader) error { return readSocks5Reply(r, anyone) })
}

func FuzzSocks5Method(f *testing.F) {
	for _, s := range []string{"\x05\x00", "\x05\x02", "\x05\xff", "\x05", "HTTP"} {
		f.Add([]byte(s))
	}
	fuzz(f, func(r io.Reader) error {
		_, err := readSocks5Method(r, true)
		return err
	})
}

func FuzzSocks4Reply(f *testing.F) {
	for _, s := range []string{ok4 + "x", "\x00\x5b\x00\x00\x00\x00\x00\x00", "\x00\x5d", "\x04\x5a", ""} {
		f.Add([]byte(s))
	}
	fuzz(f, func(r io.Reader) error { return readSocks4Reply(r, anyone) })
}

func FuzzConnectReply(f *testing.F) {
	for _, s := range []string{okWeb + "x", "HTTP/1.0 200\n\n", "HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n",
		"HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 407 \x1b\n: \n\r\n", "HTTP/1.1 099 x\r\n\r\n", "220 x\r\n"} {
		f.Add([]byte(s))
	}
	fuzz(f, func(r io.Reader) error { return readConnectReply(r, anyone) })
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"socks4a://me@[::1]:1080", "connect://h", "h:1", "me:pw@h:1", "://", "@", "[", "h:\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := Parse(s, "", "")
		if err != nil {
			return
		}
		if p.Host == "" || p.Port == "" || strings.ContainsAny(p.Host, " \r\n\x00") {
			t.Errorf("%q is %+v", s, p)
		}
	})
}
