package e2e

import (
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The bounds that SECURITY of gcat(7) names, each met at the bound and one more.

// At most 1000 peers are in the TLS handshake beside those of --max-conns.
func TestBoundHandshakes(t *testing.T) {
	t.Parallel()
	p, address := listener(t, "tcp", nil, "-kcv", "--max-conns", "1", "--connect-timeout", "5m")
	peers := make([]net.Conn, 1001)
	for i := range peers {
		peers[i] = dialTest(t, "tcp", address)
	}
	p.err.await(t, "accepted "+peers[999].LocalAddr().String()+"\n")
	if err := p.cmd.Process.Signal(syscall.SIGUSR1); err != nil { // it has had time to accept one more
		t.Fatal(err)
	}
	p.err.await(t, "connected")
	one := "accepted " + peers[1000].LocalAddr().String() + "\n"
	if strings.Contains(p.err.String(), one) {
		t.Error("1001 are in their handshake")
	}
	_ = peers[0].Close()
	p.err.await(t, one)
}

// A listener serves 100 peers at once; the next one is accepted when a slot is free.
func TestBoundConnections(t *testing.T) {
	t.Parallel()
	p, address := listener(t, "tcp", nil, "-kvd")
	peers := make([]net.Conn, 101)
	for i := range peers {
		peers[i] = dialTest(t, "tcp", address)
	}
	p.err.await(t, "accepted "+peers[99].LocalAddr().String()+"\n")
	if err := p.cmd.Process.Signal(syscall.SIGUSR1); err != nil { // it has had time to accept one more
		t.Fatal(err)
	}
	p.err.await(t, "so far")
	one := "accepted " + peers[100].LocalAddr().String() + "\n"
	if strings.Contains(p.err.String(), one) {
		t.Error("101 are served")
	}
	_ = peers[0].Close()
	p.err.await(t, one)
}

// With --to gecho holds at most 1000 peers of datagrams; the longest idle goes first.
func TestBoundDatagramPeers(t *testing.T) {
	t.Parallel()
	target, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	named(t, target)
	s := gecho(t, 1, "-v", "--to", "udp://"+target.LocalAddr().String(), "udp://127.0.0.1:0")
	peers := make([]net.Conn, 1001)
	for i := range peers {
		peers[i] = udpClient(t, s.address[0])
		if i < 1000 {
			asks(t, peers[i], "x")
		}
	}
	closed := fmt.Sprintf("closed connection 1 from %s: ", peers[0].LocalAddr())
	if strings.Contains(s.err.String(), closed) {
		t.Error("one of 1000 is closed")
	}
	asks(t, peers[1000], "x")
	s.said(closed)
}

// A connection that gecho closes is read for 1 s, whatever its peer still sends.
func TestBoundDrain(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "--log", "json", "--close-after", "1", "127.0.0.1:0")
	c := dialTest(t, "tcp", s.address[0])
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if _, err := io.WriteString(c, "x"); err != nil {
			break
		}
		if time.Since(start) > limit {
			t.Fatal("it is still read")
		}
	}
	s.said(`"closed"`)
	list := events(t, s.err.String())
	if d, ok := list[len(list)-1]["duration"].(float64); !ok || d < 1 || d >= 2 {
		t.Errorf("%v", list)
	}
}

// A client of gecho has 10 s for its TLS handshake.
func TestBoundHandshakeOfGecho(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "tls://127.0.0.1:0")
	c := dialTest(t, "tcp", s.address[0])
	go dripping(c, "\x16\x03\x01\x20\x00\x01"+strings.Repeat("\x00", 9000))
	s.said("handshake timed out after 10s (handshake limit)")
}
