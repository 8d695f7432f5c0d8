package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

func dialUDP(t *testing.T, to string) *Datagrams {
	t.Helper()
	host, port, _ := net.SplitHostPort(to)
	d, err := new(Dialer).DialDatagrams(t.Context(), Endpoint{Network: "udp", Host: host, Port: port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// Every size arrives whole, both ways, the empty datagram included.
func TestDatagramSizes(t *testing.T) {
	peer := script.UDPPeer(t, "127.0.0.1:0")
	d := dialUDP(t, peer.LocalAddr().String())
	buf, back := make([]byte, 1<<16), make([]byte, 1<<16)
	for _, size := range []int{0, 1, 1472, 1473, 65506, MaxDatagram} {
		if n, err := d.Write(make([]byte, size)); n != size || err != nil {
			t.Fatalf("write %d: %d, %v", size, n, err)
		}
		n, from, err := peer.ReadFrom(buf)
		if n != size || err != nil {
			t.Fatalf("the peer got %d of %d, %v", n, size, err)
		}
		if _, err := peer.WriteTo(buf[:n], from); err != nil {
			t.Fatal(err)
		}
		if n, err := d.Read(back); n != size || err != nil {
			t.Fatalf("read %d of %d, %v", n, size, err)
		}
	}
}

// A datagram that is too long is an error of our side, and nothing of it is
// sent.
func TestDatagramTooLong(t *testing.T) {
	peer := script.UDPPeer(t, "127.0.0.1:0")
	d := dialUDP(t, peer.LocalAddr().String())
	if n, err := d.Write(make([]byte, MaxDatagram+1)); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	_, err := d.Read(make([]byte, 10))
	if KindOf(err) != Local || !strings.Contains(err.Error(), "65508 bytes (at most 65507): message too long") {
		t.Error(err)
	}
}

// After the end of the input Read waits for answers until none has come for
// Wait.
func TestDatagramWait(t *testing.T) {
	for _, test := range []struct {
		name    string
		wait    time.Duration
		want    int
		answers int
		kind    Kind // empty is io.EOF
	}{
		{"answered", 50 * time.Millisecond, 0, 2, ""},
		{"silent", 50 * time.Millisecond, 0, 0, ""},
		{"too few", 50 * time.Millisecond, 3, 2, Timeout},
		{"silent and needed", 50 * time.Millisecond, 1, 0, Timeout},
		{"not at all", 0, 0, 0, ""},
		{"not at all and needed", 0, 1, 0, Timeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			peer := script.UDPPeer(t, "127.0.0.1:0")
			d := dialUDP(t, peer.LocalAddr().String())
			d.Wait, d.Want = test.wait, test.want
			_, _ = d.Write([]byte("ping"))
			_, from, err := peer.ReadFrom(make([]byte, 10))
			if err != nil {
				t.Fatal(err)
			}
			for range test.answers {
				_, _ = peer.WriteTo([]byte("pong"), from)
			}
			start := time.Now()
			if err := d.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			got, err := script.ReadEach(t, d, 100)
			if len(got) != test.answers {
				t.Errorf("%d answers, want %d", len(got), test.answers)
			}
			if e, _ := errors.AsType[*Error](err); err != io.EOF && (e == nil || e.Why != test.kind) || err == io.EOF && test.kind != "" {
				t.Errorf("%v, want %q", err, test.kind)
			}
			if took := time.Since(start); took < test.wait {
				t.Errorf("waited %v only", took)
			}
		})
	}
}

// CloseWrite reaches a read that has begun.
func TestDatagramWaitBegun(t *testing.T) {
	peer := script.UDPPeer(t, "127.0.0.1:0")
	d := dialUDP(t, peer.LocalAddr().String())
	d.Wait = time.Millisecond
	ended := make(chan error, 1)
	go func() {
		_, err := d.Read(make([]byte, 10))
		ended <- err
	}()
	_ = d.CloseWrite()
	if err := <-ended; err != io.EOF {
		t.Error(err)
	}
}

// No listener: refused; after an answer, broken.
func TestDatagramRefused(t *testing.T) {
	peer := script.UDPPeer(t, "127.0.0.1:0")
	d := dialUDP(t, peer.LocalAddr().String())
	peer.Close()
	_, _ = d.Write([]byte("ping"))
	_, err := d.Read(make([]byte, 10))
	if e, ok := errors.AsType[*Error](err); !ok || e.Why != Refused {
		t.Error(err)
	}

	peer = script.UDPPeer(t, "127.0.0.1:0")
	d = dialUDP(t, peer.LocalAddr().String())
	_, _ = d.Write([]byte("ping"))
	_, from, _ := peer.ReadFrom(make([]byte, 10))
	_, _ = peer.WriteTo([]byte("pong"), from)
	if _, err := d.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	peer.Close()
	_, _ = d.Write([]byte("ping"))
	_, err = d.Read(make([]byte, 10))
	if e, ok := errors.AsType[*Error](err); !ok || e.Why != ResetByPeer {
		t.Error(err)
	}
}

// A name's first address refuses: what was sent is sent to the next one.
func TestDatagramNextAddress(t *testing.T) {
	peer := script.UDPPeer(t, "127.0.0.3:0")
	_, port, _ := net.SplitHostPort(peer.LocalAddr().String())
	lookup := func(context.Context, string, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3")}, nil
	}
	dialer := &Dialer{Resolver: Resolver{Lookup: lookup}}
	d, err := dialer.DialDatagrams(t.Context(), Endpoint{Network: "udp", Host: "peer.test", Port: port})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	moves := 0
	d.Moved = func(net.Conn) { moves++ }
	read := make(chan string, 1)
	go func() {
		buf := make([]byte, 100)
		n, err := d.Read(buf)
		if err != nil {
			read <- err.Error()
			return
		}
		read <- string(buf[:n])
	}()
	_, _ = d.Write([]byte("one"))
	_, _ = d.Write([]byte("two"))
	buf := make([]byte, 100)
	got := map[string]bool{}
	for len(got) < 2 {
		n, from, err := peer.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		got[string(buf[:n])] = true
		if len(got) == 2 {
			_, _ = peer.WriteTo([]byte("answer"), from)
		}
	}
	if text := <-read; text != "answer" || moves == 0 {
		t.Errorf("%q after %d moves", text, moves)
	}

	// All of them refuse: the error names them.
	peer.Close()
	d, err = dialer.DialDatagrams(t.Context(), Endpoint{Network: "udp", Host: "peer.test", Port: port})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	_, _ = d.Write([]byte("one"))
	_, err = d.Read(buf)
	if e, ok := errors.AsType[*Error](err); !ok || e.Why != Refused || err.Error() != "connection refused (127.0.0.1, 127.0.0.2, 127.0.0.3)" {
		t.Error(err)
	}
}

// A client on a Unix datagram socket can be answered, whole datagrams larger
// than a relay's buffer included, and leaves nothing behind.
func TestUnixgram(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "listener")
	for _, own := range []string{"", filepath.Join(dir, "own")} {
		l := listenTest(t, Endpoint{Network: "unixgram", Path: path})
		d, err := (&Dialer{LocalHost: own}).DialDatagrams(t.Context(), Endpoint{Network: "unixgram", Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if own != "" {
			if info, err := os.Stat(own); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info, err)
			}
		}
		for _, size := range []int{0, 5, 100_000} {
			_, _ = d.Write(make([]byte, size))
			if n := readMessage(t, l, size); n != size {
				t.Errorf("the listener got %d of %d", n, size)
			}
			if n, err := l.Write(make([]byte, size)); n != size || err != nil {
				t.Fatal(n, err)
			}
			if n := readMessage(t, d, size); n != size {
				t.Errorf("the client got %d of %d", n, size)
			}
		}
		_ = d.Close()
		_ = l.Close()
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// readMessage reads a message of size bytes in as many reads as a relay would.
func readMessage(t *testing.T, s Stream, size int) (got int) {
	t.Helper()
	buf := make([]byte, bufferSize)
	for {
		n, err := s.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if got += n; got >= size {
			return got
		}
	}
}

// A file in the way that is no stale socket stays, and a stale one is replaced.
func TestUnixgramOwnPath(t *testing.T) {
	dir := t.TempDir()
	path, own := filepath.Join(dir, "listener"), filepath.Join(dir, "own")
	listenTest(t, Endpoint{Network: "unixgram", Path: path})
	dial := func() error {
		d, err := (&Dialer{LocalHost: own}).DialDatagrams(t.Context(), Endpoint{Network: "unixgram", Path: path})
		if err == nil {
			_ = d.Close()
		}
		return err
	}
	if err := os.WriteFile(own, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dial(); err == nil || !strings.Contains(err.Error(), "bind to "+own+": the file exists and is not a socket") {
		t.Errorf("with an ordinary file in the way: %v", err)
	}
	if data, _ := os.ReadFile(own); string(data) != "precious" {
		t.Errorf("the file holds %q", data)
	}
	_ = os.Remove(own)
	live, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: own, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	if err := dial(); err == nil {
		t.Error("a live socket was replaced")
	}
	_ = live.Close() // which leaves the file
	if err := dial(); err != nil {
		t.Errorf("a stale socket is in the way: %v", err)
	}
}

// The peer cannot be answered if it has no address; it is heard all the same.
func TestUnixgramNoAddress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "listener")
	l := listenTest(t, Endpoint{Network: "unixgram", Path: path})
	c, err := net.Dial("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = c.Write([]byte("hi"))
	if n, err := l.Read(make([]byte, 10)); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	_, err = l.Write([]byte("x"))
	if e, ok := errors.AsType[*Error](err); !ok || e.Why != NotDelivered {
		t.Error(err)
	}
	l.Keep = true
	l.Lost = func(e error) { err = e }
	if _, failed := l.Write([]byte("x")); failed != nil || err.Error() != "send: the peer has no address to answer" {
		t.Errorf("%v, lost: %v", failed, err)
	}
}

// A message on a unixpacket socket that is larger than the buffer comes whole.
func TestUnixpacketMessages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	l, err := ListenConfig{}.Listen(t.Context(), Endpoint{Network: "unixpacket", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := new(Dialer).Dial(t.Context(), Endpoint{Network: "unixpacket", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := NewMessages(NewSocket(s))
	_, _ = c.Write([]byte("one"))
	_, _ = c.Write(make([]byte, 100_000))
	_ = c.(*net.UnixConn).CloseWrite()
	var sizes []int
	buf := make([]byte, bufferSize)
	for {
		n, err := m.Read(buf)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, n)
	}
	if len(sizes) != 3 || sizes[0] != 3 || sizes[1]+sizes[2] != 100_000 {
		t.Errorf("reads of %v", sizes)
	}
	if _, err := m.Write(make([]byte, 1<<20)); KindOf(err) != Local {
		t.Errorf("a message that is too long: %v", err)
	}
}
