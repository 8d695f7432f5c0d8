package conn

import (
	"errors"
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
		{"127.1:80", Syntax{}, "tcp://127.0.0.1:80"},
		{"0x7f000001:80", Syntax{}, "tcp://127.0.0.1:80"},
		{"0:80", Syntax{}, "tcp://0.0.0.0:80"},
		{"010.0.0.1:80", Syntax{}, "tcp://8.0.0.1:80"},
		{"1.2.3.4.5:80", Syntax{}, "tcp://1.2.3.4.5:80"},
		{"127.256:80", Syntax{}, "tcp://127.0.1.0:80"},
		{"0x:80", Syntax{}, "tcp://0x:80"},
		{"1.:80", Syntax{}, "tcp://1.:80"},
		{"4294967296:80", Syntax{}, "tcp://4294967296:80"},
		{"udp://0177.1:53", Syntax{}, "udp://127.0.0.1:53"},
		{"unix:/run/x.sock", Syntax{}, "unix:///run/x.sock"},
		{"unix:x.sock", Syntax{}, "unix://x.sock"},
		{"unixgram:@name", Syntax{}, "unixgram://@name"},
		{"unixpacket:./x", Syntax{}, "unixpacket://./x"},
		{"[fe80::1%25eth0]:80", Syntax{}, "tcp://[fe80::1%eth0]:80"},
		{"tcp6://[fe80::1%25eth0]:80", Syntax{}, "tcp6://[fe80::1%eth0]:80"},
		{"[fe80::1%25]:80", Syntax{}, "tcp://[fe80::1%25]:80"},
		{"vsock://1:4194304000", Syntax{}, "vsock://1:4194304000"},
		{"vsock://2:http", Syntax{}, ""},
		{"unix:", Syntax{}, ""},
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

// A spelling of another tool is answered with ours.
func TestParseEndpointHint(t *testing.T) {
	for in, want := range map[string]string{
		"tcp:localhost:80":         "type tcp://localhost:80",
		"TCP:localhost:80":         "type tcp://localhost:80",
		"TCP4:localhost:80":        "type tcp4://localhost:80",
		"TCP://localhost:80":       "type tcp://localhost:80",
		"Unix:/x":                  "type unix:///x",
		"UNIX-CONNECT:/x":          "type unix:///x",
		"tcp-connect:h:80":         "type tcp://h:80",
		"OPENSSL:h:443":            "type tls://h:443",
		"http://host":              "type tcp://host:80",
		"http://host:8080/x":       "type tcp://host:8080",
		"https://[::1]/":           "type tls://[::1]:443",
		"VSOCK-CONNECT:2:80":       "type vsock://2:80",
		"ftp://localhost:21":       "",
		"TCP:\x1b[2J:80":           "",
		"localhost:99999":          "",
		"2001:db8::1:80":           "",
		"example.com:tcp:whatever": "",
	} {
		_, err := ParseEndpoint(in, Syntax{})
		if err == nil {
			t.Errorf("%q is accepted", in)
			continue
		}
		hint := ""
		if e, ok := errors.AsType[*Error](err); ok {
			hint = e.Hint()
		}
		if hint != want {
			t.Errorf("%q: %v, hint %q, want %q", in, err, hint, want)
		}
	}
}

type vsockAddr string

func (vsockAddr) Network() string  { return "vsock" }
func (a vsockAddr) String() string { return string(a) }

// The address of a vsock socket, whatever the context identifier is called, is
// one that can be typed.
func TestEndpointOfVsock(t *testing.T) {
	for in, want := range map[string]string{
		"local(1):7007":      "vsock://1:7007",
		"vm(3):4194304000":   "vsock://3:4194304000",
		"host(2):7007":       "vsock://2:7007",
		"hypervisor(0):7007": "vsock://0:7007",
	} {
		e := EndpointOf(vsockAddr(in))
		if again, err := ParseEndpoint(e.String(), Syntax{}); e.String() != want || err != nil || again != e {
			t.Errorf("%s is %q, read back as %q, %v", in, e, again, err)
		}
	}
}

func TestParseHostPort(t *testing.T) {
	for _, c := range []struct{ host, port, want string }{
		{"localhost", "80", "tcp://localhost:80"},
		{"::1", "80", "tcp://[::1]:80"},
		{"[::1]", "80", "tcp://[::1]:80"},
		{"", "80", "tcp://:80"},
		{"127.1", "80", "tcp://127.0.0.1:80"},
		{"0", "80", "tcp://0.0.0.0:80"},
		{"[fe80::1%25eth0]", "80", "tcp://[fe80::1%eth0]:80"},
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
