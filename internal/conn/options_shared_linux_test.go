package conn

import (
	"io"
	"net"
	"testing"
)

// With ReusePort two sockets share a port; without it the second is refused.
func TestReusePort(t *testing.T) {
	shared := ListenConfig{Socket: SocketOptions{ReusePort: true}}
	first, err := shared.Listen(t.Context(), Endpoint{Network: "tcp", Host: "127.0.0.1", Port: "0"})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	where := EndpointOf(first.Addr())
	if second, err := shared.Listen(t.Context(), where); err != nil {
		t.Error(err)
	} else {
		second.Close()
	}
	if second, err := (ListenConfig{}).Listen(t.Context(), where); err == nil {
		second.Close()
		t.Error("a listener that shares nothing got the port, too")
	}
}

// A multipath socket is one where the kernel has them, and carries bytes either
// way; nothing else is one unasked.
func TestMultipath(t *testing.T) {
	for _, asked := range []bool{true, false} {
		options := SocketOptions{MPTCP: asked}
		l, err := ListenConfig{Socket: options}.Listen(t.Context(), Endpoint{Network: "tcp", Host: "127.0.0.1", Port: "0"})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			if c, err := l.Accept(); err == nil {
				_, _ = io.WriteString(c, "hello")
				c.Close()
			}
		}()
		c, err := (&Dialer{Socket: options}).Dial(t.Context(), EndpointOf(l.Addr()))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got, err := io.ReadAll(c); string(got) != "hello" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		multipath, err := c.(*net.TCPConn).MultipathTCP()
		if err != nil {
			t.Fatal(err)
		}
		if multipath && !asked {
			t.Error("a multipath connection that nobody asked for")
		}
		if !multipath && asked {
			t.Log("this kernel has no multipath TCP, or it is turned off: plain TCP served")
		}
	}
}
