package conn

import (
	"net"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// congestionOf is the congestion control that c uses.
func congestionOf(t *testing.T, c net.Conn) string {
	t.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var name string
	if e := raw.Control(func(fd uintptr) {
		name, err = unix.GetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION)
	}); e != nil || err != nil {
		t.Fatal(e, err)
	}
	return strings.TrimRight(name, "\x00")
}

// On the loopback reno takes the place of bbr, unless the system's is asked for;
// a name that is asked for is used, or refused in its own words.
func TestCongestion(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	host, port, _ := net.SplitHostPort(l.Addr().String())
	where := Endpoint{Network: "tcp", Host: host, Port: port}
	plain, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	system := congestionOf(t, plain)
	calm := system
	if strings.HasPrefix(system, "bbr") {
		calm = "reno"
	}
	for _, c := range []struct{ asked, want string }{
		{"", calm}, {"system", system}, {"reno", "reno"},
	} {
		d := &Dialer{Socket: SocketOptions{Congestion: c.asked}}
		got, err := d.Dial(t.Context(), where)
		if err != nil {
			t.Fatal(err)
		}
		if name := congestionOf(t, got); name != c.want {
			t.Errorf("asked for %q: %q, want %q", c.asked, name, c.want)
		}
		got.Close()
	}
	d := &Dialer{Socket: SocketOptions{Congestion: "nonsense"}}
	if _, err := d.Dial(t.Context(), where); err == nil || !strings.Contains(err.Error(), `no such congestion control: "nonsense"`) {
		t.Errorf("%v", err)
	}
}
