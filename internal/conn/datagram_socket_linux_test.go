package conn

import (
	"bytes"
	"errors"
	"net"
	"path/filepath"
	"syscall"
	"testing"
)

// A datagram that is longer than the buffer is dropped, and the next one received.
func TestDatagramSocketLong(t *testing.T) {
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: filepath.Join(t.TempDir(), "s")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer, err := net.DialUnix("unixgram", nil, c.LocalAddr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	_ = peer.SetWriteBuffer(1 << 20)
	if _, err := peer.Write(make([]byte, bigMessage+1)); errors.Is(err, syscall.EMSGSIZE) {
		t.Skip("the system has no datagrams so long")
	} else if err != nil {
		t.Fatal(err)
	}
	want := make([]byte, bigMessage)
	want[0] = 1
	if _, err := peer.Write(want); err != nil {
		t.Fatal(err)
	}
	got, from, err := NewDatagramSocket(c).Receive(1)
	if err != nil || !bytes.Equal(got, want) || from.Addr() != nil {
		t.Errorf("%d bytes from %v, %v", len(got), from, err)
	}
}
