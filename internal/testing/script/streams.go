package script

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// ReadEach returns the result of each read of r into a buffer of size bytes, and the
// error that ends r.
func ReadEach(t *testing.T, r io.Reader, size int) (got []string, err error) {
	t.Helper()
	buf := make([]byte, size)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			got = append(got, string(buf[:n]))
		}
		if err != nil {
			return got, err
		}
		if len(got) > 1<<20 {
			t.Fatal("no end of the stream")
		}
	}
}

// UDPPeer returns a socket on an address of the loopback. Its deadline is 5 s.
func UDPPeer(t *testing.T, address string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	t.Cleanup(func() { c.Close() })
	return c
}
