package echo

import (
	"net"
	"time"
)

// FillBacklog connects to a listener that never accepts until its backlog is full,
// so that the kernel keeps the next client waiting. The
// connections are to be kept open.
func FillBacklog(l net.Listener) (held []net.Conn) {
	const most = 64 // more than two means that other clients fill it, too
	for range most {
		c, err := net.DialTimeout(l.Addr().Network(), reachable(l.Addr()), 300*time.Millisecond)
		if err != nil {
			return held
		}
		held = append(held, c)
	}
	return held
}

// reachable is the address at which this machine reaches a listener.
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
