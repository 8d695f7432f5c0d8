package echo

import (
	"net"
	"time"
)

// FillBacklog connects to a listener that never accepts until its backlog is full,
// so that the kernel keeps the next client waiting. The caller keeps the
// connections open.
func FillBacklog(l net.Listener) (held []net.Conn) {
	const most = 64 // a backlog of 1 takes two; a bound in case that it does not fill
	for range most {
		c, err := net.DialTimeout(l.Addr().Network(), reachable(l.Addr()), 300*time.Millisecond)
		if err != nil {
			return held
		}
		held = append(held, c)
	}
	return held
}

// reachable is the address to connect to for a listener at a: the loopback if a is
// all addresses.
func reachable(a net.Addr) string {
	if t, ok := a.(*net.TCPAddr); ok && t.IP.IsUnspecified() {
		t2 := *t
		t2.IP = net.IPv6loopback
		if t.IP.To4() != nil {
			t2.IP = net.IPv4(127, 0, 0, 1)
		}
		return t2.String()
	}
	return a.String()
}
