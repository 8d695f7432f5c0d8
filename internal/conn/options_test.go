//go:build linux

package conn

import (
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// option reads a socket option of c.
func option(t *testing.T, c any, level, name int) (value int) {
	t.Helper()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if e := raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, name) }); e != nil || err != nil {
		t.Fatal(e, err)
	}
	return value
}

// Every option is set on a socket that is dialled and on one that is accepted.
func TestSocketOptions(t *testing.T) {
	o := SocketOptions{
		Keepalive: 7 * time.Second, Delay: true, TOS: 0x10, TTL: 5, Interface: "lo",
		SendBuffer: 50_000, ReceiveBuffer: 60_000, ReusePort: true,
	}
	for _, host := range []string{"127.0.0.1", "::1"} {
		l, err := ListenConfig{Socket: o}.Listen(t.Context(), Endpoint{Network: "tcp", Host: host, Port: "0"})
		if host == "::1" && errors.Is(err, syscall.EADDRNOTAVAIL) {
			continue // a system without IPv6
		}
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		dialled, err := (&Dialer{Socket: o}).Dial(t.Context(), Endpoint{Network: "tcp", Host: host, Port: port})
		if err != nil {
			t.Fatal(err)
		}
		defer dialled.Close()
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
		o.Tune(accepted)
		for name, c := range map[string]net.Conn{"dialled": dialled, "accepted": accepted} {
			tos, ttl := []int{unix.IPPROTO_IP, unix.IP_TOS}, []int{unix.IPPROTO_IP, unix.IP_TTL}
			if host == "::1" {
				tos, ttl = []int{unix.IPPROTO_IPV6, unix.IPV6_TCLASS}, []int{unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS}
			}
			for _, want := range []struct {
				name             string
				level, opt, want int
			}{
				{"TOS", tos[0], tos[1], 0x10}, {"TTL", ttl[0], ttl[1], 5},
				{"SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF, 100_000}, // Linux doubles it, socket(7)
				{"SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, 120_000},
				{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 0},
				{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 7},
				{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 7},
				{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
			} {
				if got := option(t, c, want.level, want.opt); got != want.want {
					t.Errorf("%s %s: %s is %d, want %d", host, name, want.name, got, want.want)
				}
			}
		}
		// Another one may listen on the same port.
		again, err := ListenConfig{Socket: o}.Listen(t.Context(), Endpoint{Network: "tcp", Host: host, Port: port})
		if err != nil {
			t.Errorf("SO_REUSEPORT: %v", err)
		} else {
			again.Close()
		}
	}
}

// Without options there are those of the system, TCP_NODELAY and keep-alive
// apart.
func TestSocketOptionsDefault(t *testing.T) {
	l, err := ListenConfig{}.Listen(t.Context(), Endpoint{Network: "tcp", Host: "127.0.0.1", Port: "0"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for keepalive, want := range map[time.Duration]int{0: 1, -1: 0} {
		d := &Dialer{Socket: SocketOptions{Keepalive: keepalive}}
		c, err := d.Dial(t.Context(), Endpoint{Network: "tcp", Host: "127.0.0.1", Port: port})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got := option(t, c, unix.SOL_SOCKET, unix.SO_KEEPALIVE); got != want {
			t.Errorf("keep-alive %v: %d", keepalive, got)
		}
		if option(t, c, unix.IPPROTO_TCP, unix.TCP_NODELAY) == 0 {
			t.Error("TCP_NODELAY is off")
		}
	}
}

func TestSocketOptionsUDP(t *testing.T) {
	o := SocketOptions{TTL: 9, TOS: 8, ReceiveBuffer: 70_000}
	d, err := (&Dialer{Socket: o}).DialDatagrams(t.Context(), Endpoint{Network: "udp", Host: "127.0.0.1", Port: "9"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	got := []int{option(t, d.Conn(), unix.IPPROTO_IP, unix.IP_TTL), option(t, d.Conn(), unix.IPPROTO_IP, unix.IP_TOS), option(t, d.Conn(), unix.SOL_SOCKET, unix.SO_RCVBUF)}
	if !slices.Equal(got, []int{9, 8, 140_000}) {
		t.Error(got)
	}
}

// What the kernel refuses is said.
func TestSocketOptionsRefused(t *testing.T) {
	e := Endpoint{Network: "tcp", Host: "127.0.0.1", Port: "9"}
	_, err := (&Dialer{Socket: SocketOptions{Interface: "nope"}}).Dial(t.Context(), e)
	if k, ok := errors.AsType[*Error](err); !ok || k.Why != NotFound || !strings.Contains(err.Error(), `bind to interface "nope": no such device`) {
		t.Error(err)
	}
	e.Port = "0"
	_, err = ListenConfig{Socket: SocketOptions{Interface: "nope"}}.Listen(t.Context(), e)
	if k, ok := errors.AsType[*Error](err); !ok || k.Why != NotFound {
		t.Error(err)
	}
}
