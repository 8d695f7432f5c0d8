package conn

import (
	"strings"
	"testing"
)

func TestParseEndpoint(t *testing.T) {
	listening := Syntax{Listening: true}
	for _, c := range []struct {
		in     string
		syntax Syntax
		want   string // "" is an error
	}{
		{"localhost:80", Syntax{}, "tcp://localhost:80"},
		{"[::1]:80", Syntax{}, "tcp://[::1]:80"},
		{"[fe80::1%eth0]:80", Syntax{}, "tcp://[fe80::1%eth0]:80"},
		{":80", Syntax{}, "tcp://:80"},
		{"localhost:http", Syntax{}, "tcp://localhost:http"},
		{"localhost:http-alt", Syntax{}, "tcp://localhost:http-alt"},
		{"80", listening, "tcp://:80"},
		{"80", Syntax{Listening: true, Host: "127.0.0.1"}, "tcp://127.0.0.1:80"},
		{"0", listening, "tcp://:0"},
		{"udp://localhost:53", Syntax{}, "udp://localhost:53"},
		{"tls://example.com:443", Syntax{}, "tls://example.com:443"},
		{"tcp6://[::1]:80", Syntax{}, "tcp6://[::1]:80"},
		{"/run/sock", Syntax{}, "unix:///run/sock"},
		{"./sock", Syntax{Network: "udp"}, "unixgram://./sock"},
		{"@name", Syntax{}, "unix://@name"},
		{"unixpacket:///run/sock", Syntax{}, "unixpacket:///run/sock"},
		{"unix://rel", Syntax{}, "unix://rel"},
		{"vsock://2:1234", Syntax{}, "vsock://2:1234"},
		{"a/b://c", Syntax{}, "unix://a/b://c"},
		{"80", Syntax{}, ""},
		{"::1:80", Syntax{}, ""},
		{"localhost:99999", Syntax{}, ""},
		{"localhost:-1", Syntax{}, ""},
		{"localhost:", Syntax{}, ""},
		{"localhost:0", Syntax{}, ""},
		{"", listening, ""},
		{"[localhost]:80", Syntax{}, ""},
		{"[::1]", Syntax{}, ""},
		{"ftp://localhost:21", Syntax{}, ""},
		{"unix://", Syntax{}, ""},
		{"@", Syntax{}, ""},
		{"lo cal:80", Syntax{}, ""},
		{"vsock://x:1", Syntax{}, ""},
	} {
		e, err := ParseEndpoint(c.in, c.syntax)
		if got := e.String(); (err == nil) != (c.want != "") || err == nil && got != c.want {
			t.Errorf("ParseEndpoint(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

func TestParseHostPort(t *testing.T) {
	for _, c := range []struct{ host, port, want string }{
		{"localhost", "80", "tcp://localhost:80"},
		{"::1", "80", "tcp://[::1]:80"},
		{"[::1]", "80", "tcp://[::1]:80"},
		{"", "80", "tcp://:80"},
		{"localhost:80", "80", ""},
		{"localhost", "99999", ""},
		{"localhost", "", ""},
		{"/run/sock", "80", ""},
		{"tcp://localhost", "80", ""},
	} {
		e, err := ParseHostPort(c.host, c.port, Syntax{})
		if got := e.String(); (err == nil) != (c.want != "") || err == nil && got != c.want {
			t.Errorf("ParseHostPort(%q, %q) = %q, %v; want %q", c.host, c.port, got, err, c.want)
		}
	}
}

// FuzzParseEndpoint: what is accepted is read back as the same from its String,
// and no error shows a control character.
func FuzzParseEndpoint(f *testing.F) {
	for _, s := range []string{"localhost:80", "[::1]:80", ":80", "80", "udp://h:53", "/run/sock", "@name", "vsock://2:1", "::1:80", "a://b", "\x1b[31m:80"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, listening bool) {
		syntax := Syntax{Listening: listening}
		e, err := ParseEndpoint(s, syntax)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\x1b\n\x07\x00") {
				t.Errorf("the error for %q is not safe to show: %q", s, err)
			}
			return
		}
		again, err := ParseEndpoint(e.String(), syntax)
		if err != nil || again != e {
			t.Errorf("%q is %+v, but its String %q is %+v, %v", s, e, e.String(), again, err)
		}
	})
}
