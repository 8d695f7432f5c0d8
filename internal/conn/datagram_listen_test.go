package conn

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

func listenTest(t *testing.T, e Endpoint) *DatagramListener {
	t.Helper()
	l, err := ListenConfig{}.ListenDatagrams(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// A listener takes its first peer and no other; with Keep it answers the one that
// spoke last.
func TestDatagramListenerPeers(t *testing.T) {
	for _, keep := range []bool{false, true} {
		l := listenTest(t, Endpoint{Network: "udp", Host: "127.0.0.1", Port: "0"})
		l.Keep = keep
		var heard []string
		l.Heard = func(a net.Addr) { heard = append(heard, a.String()) }
		a, b := script.UDPPeer(t, "127.0.0.1:0"), script.UDPPeer(t, "127.0.0.1:0")
		say := func(c *net.UDPConn, text string) { _, _ = c.WriteTo([]byte(text), l.Addr()) }
		read := func() string {
			buf := make([]byte, 10)
			n, err := l.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			return string(buf[:n])
		}
		answer := func(text string, to *net.UDPConn) {
			if _, err := l.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 10)
			if n, _, err := to.ReadFrom(buf); err != nil || string(buf[:n]) != text {
				t.Errorf("keep %v: %q, %v; want %q", keep, buf[:n], err, text)
			}
		}
		say(a, "a1")
		if got := read(); got != "a1" {
			t.Errorf("%q", got)
		}
		answer("to a", a)
		say(b, "b1")
		say(a, "a2")
		want := []string{"a2"}
		if keep {
			want = []string{"b1", "a2"}
		}
		for _, text := range want {
			if got := read(); got != text {
				t.Errorf("keep %v: %q, want %q", keep, got, text)
			}
		}
		answer("again", a)
		if keep != (len(heard) == 3) {
			t.Errorf("keep %v: heard %q", keep, heard)
		}
	}
}

// The answer leaves from the address that was written to, or a connected client
// would not see it.
func TestDatagramListenerAnswersFrom(t *testing.T) {
	for _, e := range []Endpoint{{Network: "udp", Port: "0"}, {Network: "udp4", Port: "0"}} {
		l := listenTest(t, e)
		_, port, _ := net.SplitHostPort(l.Addr().String())
		d := dialUDP(t, "127.0.0.5:"+port)
		_, _ = d.Write([]byte("ping"))
		if _, err := l.Read(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Write([]byte("pong")); err != nil {
			t.Fatal(err)
		}
		_ = d.Conn().SetReadDeadline(time.Now().Add(10 * time.Second))
		if n, err := d.Read(make([]byte, 10)); n != 4 || err != nil {
			t.Errorf("%s: %d, %v", e.Network, n, err)
		}
	}
}

// A read that an early end interrupts returns the datagram that has come, and no empty
// one before it.
func TestDatagramListenerDrain(t *testing.T) {
	l := listenTest(t, Endpoint{Network: "udp", Host: "127.0.0.1", Port: "0"})
	d := dialUDP(t, l.Addr().String())
	_, _ = d.Write([]byte("one"))
	l.drain()
	buf := make([]byte, 10)
	if n, err := l.Read(buf); string(buf[:n]) != "one" || err != nil {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	if n, err := l.Read(buf); n != 0 || err != io.EOF {
		t.Errorf("read %q, %v", buf[:n], err)
	}
}

func TestDatagramListenerLimit(t *testing.T) {
	l := listenTest(t, Endpoint{Network: "udp", Host: "127.0.0.1", Port: "0"})
	l.Limit = time.Millisecond
	_, err := l.Read(make([]byte, 10))
	if e, ok := errors.AsType[*Error](err); !ok || e.Why != Timeout {
		t.Error(err)
	}
}
