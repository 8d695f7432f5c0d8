package conn

import (
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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

// processor is the processor time that the process has used.
func processor(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
