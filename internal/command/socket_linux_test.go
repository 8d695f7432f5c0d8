package command

import (
	"io"
	"net"
	"testing"
	"time"
)

// TestCounts: the counts of a connection are those of its bytes, without a FIN, whichever
// side has ended first.
func TestCounts(t *testing.T) {
	for name, tt := range map[string]struct {
		ends    string // o: we half-close, p: the peer does, r: we read up to its end
		peerEOF bool
	}{
		"open":              {"", false},
		"our end":           {"o", false},
		"the peer's":        {"p", true},
		"the peer's, read":  {"pr", true},
		"the peer's, ours":  {"po", true},
		"ours, the peer's":  {"op", true},
		"both, and read":    {"por", true},
		"both, read at end": {"opr", true},
	} {
		t.Run(name, func(t *testing.T) {
			c, peer := tcpPair(t)
			before := countSocket(c)
			_, _ = io.WriteString(c, "hello")
			_, _ = io.WriteString(peer, "abc")
			for _, end := range tt.ends {
				switch end {
				case 'o':
					_ = c.CloseWrite()
				case 'p':
					_ = peer.CloseWrite()
				case 'r':
					_, _ = io.ReadAll(c)
				}
			}
			want := counts{sent: 5, received: 3, peerEOF: tt.peerEOF}
			var got counts
			for end := time.Now().Add(5 * time.Second); got != want && time.Now().Before(end); time.Sleep(time.Millisecond) {
				n := countSocket(c).since(before)
				got = counts{sent: n.sent, received: n.received, peerEOF: n.peerEOF}
			}
			if got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

func tcpPair(t *testing.T) (a, b *net.TCPConn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	d, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); d.Close() })
	return d.(*net.TCPConn), c.(*net.TCPConn)
}
