package conn

import (
	"io"
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// An empty message is passed on as one, from one unixpacket connection to another and to
// a standard output that keeps the bounds of messages.
func TestEmptyMessage(t *testing.T) {
	for name, kind := range map[string]int{"packets": unix.SOCK_SEQPACKET, "datagrams": unix.SOCK_DGRAM, "joined": unix.SOCK_SEQPACKET} {
		peer, in := unixPair(t, unix.SOCK_SEQPACKET)
		reader, out := unixPair(t, kind)
		var local Stream = &Stdio{In: empty(t), Out: out}
		if name == "joined" {
			local = NewMessages(socketOf(t, out))
		}
		relay := &Relay{Local: local, Remote: NewMessages(socketOf(t, in)), Peer: "peer"}
		done := make(chan Result, 1)
		go func() { done <- relay.Run(t.Context()) }()
		for _, text := range []string{"a", "", "b"} {
			if _, err := unix.Write(int(peer.Fd()), []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		buf := make([]byte, 10)
		for _, want := range []string{"a", "", "b"} {
			if n, err := unix.Read(int(reader.Fd()), buf); err != nil || string(buf[:n]) != want {
				t.Errorf("%s: %q, %v, want %q", name, buf[:max(n, 0)], err, want)
				break
			}
		}
		_, _ = peer.Close(), reader.Close()
		<-done
	}
}

// A long message is passed on as one.
func TestLongMessage(t *testing.T) {
	const long = 200_000
	peer, in := unixPair(t, unix.SOCK_SEQPACKET)
	target, out := unixPair(t, unix.SOCK_SEQPACKET)
	relay := &Relay{Local: NewMessages(socketOf(t, out)), Remote: NewMessages(socketOf(t, in)), Peer: "peer", To: "target"}
	done := make(chan Result, 1)
	go func() { done <- relay.Run(t.Context()) }()
	buf := make([]byte, 1<<20)
	for _, way := range [][2]*os.File{{peer, target}, {target, peer}} {
		if _, err := way[0].Write(make([]byte, long)); err != nil {
			t.Fatal(err)
		}
		if n, err := way[1].Read(buf); err != nil || n != long {
			t.Errorf("%d bytes, %v, want %d", n, err, long)
		}
	}
	_, _ = peer.Close(), target.Close()
	<-done
}

// Fewer messages than are wanted are an error; those beyond are no reset to a peer that has
// sent them.
func TestWantedMessages(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for want, kind := range map[int]Kind{1: "", 3: "", 9: Timeout} {
		peer, in := unixPair(t, unix.SOCK_SEQPACKET)
		remote := NewMessages(socketOf(t, in))
		remote.Want = want
		for _, text := range []string{"a", "b", "c"} {
			_, _ = peer.WriteString(text)
		}
		if want == 9 {
			_ = peer.Close()
		}
		r := (&Relay{Local: &Stdio{In: empty(t), Out: null}, Remote: remote, Peer: "peer", RecvOnly: true}).Run(t.Context())
		if KindOf(r.Err) != kind {
			t.Errorf("%d messages: %v", want, r.Err)
		}
		if want < 9 {
			if n, err := unix.Read(int(peer.Fd()), make([]byte, 1)); n != 0 || err != nil {
				t.Errorf("%d messages: the peer reads %d, %v", want, n, err)
			}
		}
	}
}

// An empty write on a stream is nothing.
func TestEmptyWrite(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		a, b := socketPair(t, network)
		if n, err := a.Write(nil); n != 0 || err != nil {
			t.Error(network, n, err)
		}
		_ = a.CloseWrite()
		if got, err := io.ReadAll(b); len(got) > 0 || err != nil {
			t.Errorf("%s: %q, %v", network, got, err)
		}
	}
}

func unixPair(t *testing.T, kind int) (a, b *os.File) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, b = os.NewFile(uintptr(pair[0]), "a"), os.NewFile(uintptr(pair[1]), "b")
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func socketOf(t *testing.T, f *os.File) *Socket {
	t.Helper()
	c, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	return NewSocket(c)
}
