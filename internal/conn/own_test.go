package conn

import (
	"net"
	"path/filepath"
	"testing"
)

// An endpoint reaches a socket that is bound to its address, or to all addresses if it
// is one of this machine.
func TestReaches(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	one, all4 := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7}, &net.TCPAddr{IP: net.IPv4zero.To4(), Port: 7}
	one6 := &net.TCPAddr{IP: net.IPv6loopback, Port: 7}
	all := &net.TCPAddr{IP: net.IPv6unspecified, Port: 7}
	for _, test := range []struct {
		to    string
		bound net.Addr
		want  bool
	}{
		{"127.0.0.1:7", one, true}, {"localhost:7", one, true}, {":7", one, true}, {"[::ffff:127.0.0.1]:7", one, true}, {"tls://127.0.0.1:7", one, true},
		{"0.0.0.0:7", one, true}, {"0:7", one, true}, {"[::]:7", one6, true}, {"[::ffff:0.0.0.0]:7", one, true}, {"[::]:7", one, false}, {"0.0.0.0:7", one6, false},
		{"127.0.0.1:8", one, false}, {"127.0.0.2:7", one, false}, {"[::1]:7", one, false}, {"udp://127.0.0.1:7", one, false},
		{"127.0.0.2:7", all4, true}, {"0.0.0.0:7", all4, true}, {"[::1]:7", all4, false}, {"192.0.2.1:7", all4, false},
		{"127.0.0.2:7", all, true}, {"[::1]:7", all, true}, {"[::]:7", all, true}, {"[2001:db8::1]:7", all, false},
		{path, l.Addr(), true}, {filepath.Dir(path) + "/./s", l.Addr(), true}, {path + "2", l.Addr(), false}, {path, one, false},
		{"@name", &net.UnixAddr{Net: "unix", Name: "@name"}, true}, {"@nam", &net.UnixAddr{Net: "unix", Name: "@name"}, false},
		{"nosuch.invalid:8", one, false},
	} {
		e, err := ParseEndpoint(test.to, Syntax{Network: "tcp"})
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Reaches(t.Context(), Resolver{}, test.bound); got != test.want {
			t.Errorf("%s reaches %v: %v", test.to, test.bound, got)
		}
	}
}
