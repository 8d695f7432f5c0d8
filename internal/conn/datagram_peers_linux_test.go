package conn

import (
	"io"
	"net"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gcat/internal/testing/script"
)

// The answers to a peer that does not read wait for it, and do not delay those to others.
// Close ends their wait.
func TestPeerDoesNotRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	peers := peersTest(t, Endpoint{Network: "unixgram", Path: path})
	peers.Keep = true
	open := func(name string) (*net.UnixConn, *DatagramPeer) {
		c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, name), Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, _ = c.WriteTo([]byte("question"), &net.UnixAddr{Name: path, Net: "unixgram"})
		p, err := peers.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return c, p
	}
	slow, one := open("slow")
	brisk, two := open("brisk")
	const answers = 100 // more than a queue takes
	written := make(chan error, 2)
	go func() {
		for range answers {
			if _, err := io.WriteString(one, "answer"); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	buf := make([]byte, 100)
	for range answers {
		go func() { _, _ = io.WriteString(two, "answer") }()
		if _, err := brisk.Read(buf); err != nil {
			t.Fatal("a peer that reads gets no answer while another does not read: ", err)
		}
	}
	for range answers {
		if _, err := slow.Read(buf); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	go func() {
		for {
			if _, err := io.WriteString(one, "answer"); err != nil {
				written <- err
				return
			}
		}
	}()
	for range 10 { // the last of a queue
		if _, err := slow.Read(buf); err != nil {
			t.Fatal(err)
		}
	}
	_ = one.Close()
	select {
	case <-written:
	case <-time.After(5 * time.Second):
		t.Error("an answer waits for a peer that is closed")
	}
}

// A listener that writes to a Unix peer that does not read waits, and loses nothing; the
// wait takes no processor.
func TestListenerPeerDoesNotRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	l := listenTest(t, Endpoint{Network: "unixgram", Path: path})
	l.Cut = func([]byte) int { return 1 }
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "peer"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = c.WriteTo([]byte("question"), &net.UnixAddr{Name: path, Net: "unixgram"})
	buf := make([]byte, 100)
	if _, err := l.Read(buf); err != nil {
		t.Fatal(err)
	}
	const answers = 100 // more than a queue takes
	written := make(chan int, 1)
	go func() {
		n, _ := l.Write(make([]byte, answers))
		written <- n
	}()
	for l.taking() == 0 && len(written) == 0 {
		time.Sleep(time.Millisecond)
	}
	before := processor(t)
	time.Sleep(200 * time.Millisecond)
	if used := processor(t) - before; used > 100*time.Millisecond {
		t.Errorf("the wait took %v of the processor", used)
	}
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	for i := range answers {
		if _, err := c.Read(buf); err != nil {
			t.Fatalf("answer %d: %v", i+1, err)
		}
	}
	if n := <-written; n != answers {
		t.Errorf("%d of %d answers sent", n, answers)
	}
}

// A sender to two of our addresses is two peers, each answered from the address that it
// has asked; what other datagrams came in between makes no difference.
func TestPeerAsksTwoAddresses(t *testing.T) {
	peers := peersTest(t, Endpoint{Network: "udp", Port: "0"})
	peers.Keep = true
	port := peers.Addr().(*net.UDPAddr).Port
	c := script.UDPPeer(t, "127.0.0.1:0")
	other, err := net.Dial("udp6", net.JoinHostPort("::1", strconv.Itoa(port)))
	if err != nil {
		t.Skip(err)
	}
	defer other.Close()
	ask := func(host, text string) { // by turns with the other
		_, _ = io.WriteString(other, text)
		_, _ = c.WriteTo([]byte(text), &net.UDPAddr{IP: net.ParseIP(host), Port: port})
	}
	ask("127.0.0.5", "1")
	ask("127.0.0.6", "1")
	ask("127.0.0.5", "2")
	ask("127.0.0.6", "2")
	all := make([]*DatagramPeer, 3)
	for i := range all {
		if all[i], err = peers.Accept(); err != nil {
			t.Fatal(err)
		}
	}
	go func() { _, _ = peers.Accept() }() // ends with the socket
	buf := make([]byte, 10)
	for i, from := range map[int]string{1: "127.0.0.5", 2: "127.0.0.6"} {
		for _, want := range []string{"1", "2"} {
			n, err := all[i].Read(buf)
			if err != nil || string(buf[:n]) != want {
				t.Errorf("%q, %v, want %q", buf[:n], err, want)
			}
			_, _ = all[i].Write(buf[:n])
			if _, a, err := c.ReadFrom(buf); err != nil || a.(*net.UDPAddr).IP.String() != from {
				t.Errorf("the answer came from %v, %v, want %s", a, err, from)
			}
		}
	}
}

// processor is the processor time that the process has used.
func processor(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
