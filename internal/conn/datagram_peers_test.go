package conn

import (
	"io"
	"net"
	"os"
	"path/filepath"
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

// An answer that a peer refused is reported, and the next ones are sent.
func TestPeerRefusesOneAnswer(t *testing.T) {
	own, path := filepath.Join(t.TempDir(), "own"), filepath.Join(t.TempDir(), "s")
	peers, err := ListenConfig{}.ListenPeers(t.Context(), Endpoint{Network: "unixgram", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer peers.Close()
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
