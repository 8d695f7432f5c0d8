//go:build unix

package e2e

import (
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// A datagram socket as standard input: one read is one datagram, an empty one, too.
// It has no end.
func TestDatagramsIn(t *testing.T) {
	t.Parallel()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pair[0])
	stdin := os.NewFile(uintptr(pair[1]), "stdin")
	peer, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	p := start(t, stdin, "-u", "-q", "0.1", peer.LocalAddr().String())
	stdin.Close()
	for _, text := range []string{"one", "", "", "four"} {
		if _, err := syscall.Write(pair[0], []byte(text)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 10)
		_ = peer.SetReadDeadline(time.Now().Add(limit))
		n, _, err := peer.ReadFrom(b)
		if err != nil || string(b[:n]) != text {
			t.Fatalf("got %q, %v; want %q", b[:n], err, text)
		}
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.ends(128+int(syscall.SIGTERM), "", "")
}
