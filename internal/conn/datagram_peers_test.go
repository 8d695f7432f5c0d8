package conn

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// A reportingStream reports the result of each Write.
type reportingStream struct {
	Stream
	result chan error
}

func (s reportingStream) Unwrap() Stream { return s.Stream }

func (s reportingStream) Write(p []byte) (int, error) {
	n, err := s.Stream.Write(p)
	s.result <- err
	return n, err
}

func peersTest(t *testing.T, e Endpoint) *DatagramPeers {
	t.Helper()
	c, err := ListenConfig{}.ListenPacket(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	peers := NewDatagramPeers(c)
	t.Cleanup(func() { _ = peers.Close() })
	return peers
}

// An answer that a peer refused is reported, and the next ones are sent.
func TestPeerRefusesOneAnswer(t *testing.T) {
	own, path := filepath.Join(t.TempDir(), "own"), filepath.Join(t.TempDir(), "s")
	peers := peersTest(t, Endpoint{Network: "unixgram", Path: path})
	target, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	ask := func(question string) *net.UnixConn {
		c, err := net.DialUnix("unixgram", &net.UnixAddr{Name: own, Net: "unixgram"}, &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, question)
		return c
	}
	buf := make([]byte, 100)
	answer := func(c *net.UnixConn) {
		_, from, err := target.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		if c != nil {
			_ = c.Close()
		}
		_, _ = target.WriteTo([]byte("answer"), from)
	}

	c := ask("1")
	p, err := peers.Accept()
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = peers.Accept() }()
	written := make(chan error, 2)
	relay := Relay{Local: dialUDP(t, target.LocalAddr().String()), Remote: reportingStream{p, written}, Peer: "peer", To: "target", QuitAfterPeer: new(time.Duration)}
	result := make(chan Result, 1)
	go func() { result <- relay.Run(t.Context()) }()
	answer(c)
	if err := <-written; err == nil {
		t.Fatal("a closed peer took an answer")
	}
	_ = os.Remove(own)
	c = ask("2")
	defer c.Close()
	answer(nil)
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := c.Read(buf); err != nil || string(buf[:n]) != "answer" {
		t.Errorf("after a refused answer: %q, %v", buf[:n], err)
	}
	_ = p.Close()
	if r := <-result; KindOf(r.Err) != NotDelivered {
		t.Errorf("the refused answer is not reported: %v", r.Err)
	}
}

// A burst of datagrams waits until it is read.
func TestPeerBurst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	peers := peersTest(t, Endpoint{Network: "unixgram", Path: path})
	peers.Keep = true
	open := func() *net.UnixConn {
		own := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "own"), Net: "unixgram"}
		c, err := net.DialUnix("unixgram", own, &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	c, other := open(), open()
	_, _ = io.WriteString(c, "0")
	p, err := peers.Accept()
	if err != nil {
		t.Fatal(err)
	}
	passed := make(chan error, 1)
	go func() {
		_, err := peers.Accept()
		passed <- err
	}()
	for i := 1; i < 1000; i++ {
		_, _ = io.WriteString(c, strconv.Itoa(i))
	}
	_, _ = io.WriteString(other, "all of the first one's have come")
	if err := <-passed; err != nil {
		t.Fatal(err)
	}
	_ = p.Close()
	buf := make([]byte, 10)
	for i := range 1000 {
		if n, err := p.Read(buf); err != nil || string(buf[:n]) != strconv.Itoa(i) {
			t.Fatalf("%q, %v, want %d", buf[:n], err, i)
		}
	}
}

// A new peer replaces one that has its answer, or else the one that has waited for longest,
// and that is an error of ours.
func TestPeerReplaced(t *testing.T) {
	peers := peersTest(t, Endpoint{Network: "udp", Host: "127.0.0.1", Port: "0"})
	peers.Keep, peers.Most = true, 2
	ask := func() *DatagramPeer {
		c, err := net.Dial("udp", peers.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_, _ = io.WriteString(c, "question")
		p, err := peers.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	read := func(p *DatagramPeer) error {
		buf := make([]byte, 10)
		if n, err := p.Read(buf); err != nil || string(buf[:n]) != "question" {
			t.Errorf("%q, %v", buf[:n], err)
		}
		_, err := p.Read(buf)
		return err
	}
	asks, answered := ask(), ask()
	_, _ = io.WriteString(answered, "answer")
	_ = ask()
	if err := read(answered); err != io.EOF {
		t.Errorf("one that has its answer: %v", err)
	}
	_ = ask()
	want := "wait for an answer to " + asks.Addr().String() + ": a new peer took the place"
	if err := read(asks); KindOf(err) != Local || err.Error() != want {
		t.Errorf("one that waits for its answer: %v", err)
	}
}
