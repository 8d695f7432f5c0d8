package conn

import (
	"bytes"
	"errors"
	"net"
	"path/filepath"
	"syscall"
	"testing"
)

// A datagram that is longer than the buffer is an error, and the next one is received.
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
	s := NewDatagramSocket(c)
	if _, from, err := s.Receive(1); err != errTruncated || from == nil {
		t.Errorf("from %v: %v", from, err)
	}
	got, from, err := s.Receive(1)
	if err != nil || !bytes.Equal(got, want) || from.Addr() != nil {
		t.Errorf("%d bytes from %v, %v", len(got), from, err)
	}
}

// A datagram that is too long ends no listener of many peers.
func TestDatagramListenerLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l := listenTest(t, Endpoint{Network: "unixgram", Path: path})
	var lost []error
	l.Keep, l.Lost = true, func(err error) { lost = append(lost, err) }
	peer, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Net: "unixgram", Name: path})
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
	_, _ = peer.Write([]byte("next"))
	buf := make([]byte, 10)
	if n, err := l.Read(buf); err != nil || string(buf[:n]) != "next" {
		t.Errorf("%q, %v", buf[:n], err)
	}
	if len(lost) != 1 || lost[0] != errTruncated {
		t.Errorf("reported: %v", lost)
	}
}
