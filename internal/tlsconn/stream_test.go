package tlsconn

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gcat/internal/conn"
)

// tcpPair is a TCP connection over the loopback, both ends.
func tcpPair(t testing.TB) (client, server *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept()
		accepted <- c
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := <-accepted
	if s == nil {
		t.Fatal("no connection accepted")
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

// must returns a configuration of options that are known to be good.
func must(t testing.TB) func(*tls.Config, error) *tls.Config {
	return func(config *tls.Config, err error) *tls.Config {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return config
	}
}

// handshakes runs both handshakes at once over a fresh TCP connection.
func handshakes(t testing.TB, client, server *tls.Config) (c, s *Stream, cerr, serr error) {
	t.Helper()
	tc, ts := tcpPair(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { s, serr = Server(ctx, ts, server, Limits{}) })
	c, cerr = Client(ctx, tc, client)
	wg.Wait()
	return c, s, cerr, serr
}

// pinned is a TLS connection whose client has pinned the server's throw-away
// certificate, of TLS 1.3 unless version says 1.2.
func pinned(t testing.TB, version uint16) (c, s *Stream) {
	t.Helper()
	server := must(t)(Options{}.ServerConfig())
	client := must(t)(Options{Fingerprint: OwnFingerprint(server)}.ClientConfig("127.0.0.1"))
	client.MaxVersion = version
	c, s, cerr, serr := handshakes(t, client, server)
	if cerr != nil || serr != nil {
		t.Fatalf("client: %v, server: %v", cerr, serr)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	return c, s
}

func wantError(t *testing.T, err error, kind conn.Kind, words string) {
	t.Helper()
	e, ok := errors.AsType[*conn.Error](err)
	if !ok {
		t.Fatalf("error %T %v, want kind %s: %s", err, err, kind, words)
	}
	if e.Why != kind || !strings.Contains(e.Error(), words) {
		t.Errorf("error of kind %s: %v\nwant kind %s: ...%s", e.Why, e, kind, words)
	}
	if strings.ContainsAny(e.Error(), "\n\r\x1b") || strings.Contains(e.Error(), "tls:") || strings.Contains(e.Error(), "x509:") {
		t.Errorf("not words for a user: %q", e.Error())
	}
}

func TestHalfClose(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			c, s := pinned(t, version)
			question := bytes.Repeat([]byte("question "), 1000)
			answer := bytes.Repeat([]byte("answer "), 100_000)
			var wg sync.WaitGroup
			wg.Go(func() {
				got, err := io.ReadAll(s)
				if err != nil || !bytes.Equal(got, question) {
					t.Errorf("the server read %d bytes, %v", len(got), err)
				}
				if _, err := s.Write(answer); err != nil {
					t.Errorf("the server's answer: %v", err)
				}
				if err := s.CloseWrite(); err != nil {
					t.Errorf("the server's end: %v", err)
				}
			})
			if _, err := c.Write(question); err != nil {
				t.Fatal(err)
			}
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if err := c.CloseWrite(); err != nil {
				t.Errorf("a second CloseWrite: %v", err)
			}
			got, err := io.ReadAll(c)
			if err != nil || !bytes.Equal(got, answer) {
				t.Errorf("the client read %d bytes of %d, %v", len(got), len(answer), err)
			}
			wg.Wait()
			if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("behind the end: %d, %v", n, err)
			}
		})
	}
}

// TestNoFINBeforeClose sees to it that the TCP connection stays open both
// ways after close_notify.
func TestNoFINBeforeClose(t *testing.T) {
	c, s := pinned(t, 0)
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatalf("close_notify was read as %d, %v", n, err)
	}
	// What comes below TLS now is what the client writes there itself.
	if _, err := c.NetConn().Write([]byte("x")); err != nil {
		t.Fatalf("the connection below was shut by close_notify: %v", err)
	}
	buf := make([]byte, 2)
	if n, err := s.NetConn().Read(buf); n != 1 || err != nil || buf[0] != 'x' {
		t.Fatalf("read %q, %v below TLS, want the client's x", buf[:n], err)
	}
}

// TestCloseWriteToSlowPeer fills the connection, ends it, and only then
// starts to read: nothing may be missing.
func TestCloseWriteToSlowPeer(t *testing.T) {
	c, s := pinned(t, 0)
	if err := c.NetConn().(*net.TCPConn).SetWriteBuffer(16 << 10); err != nil {
		t.Fatal(err)
	}
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	done := make(chan error, 1)
	go func() {
		_, err := c.Write(sent)
		done <- errors.Join(err, c.CloseWrite())
	}()
	// crypto/tls's own five seconds and its deadline of "now" must not reach
	// the connection below.
	if err := c.tls.SetWriteDeadline(time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(s)
	if err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("%d bytes of %d arrived, %v", len(got), len(sent), err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestCutShort(t *testing.T) {
	t.Run("between records", func(t *testing.T) {
		c, s := pinned(t, 0)
		if _, err := s.Write([]byte("part")); err != nil {
			t.Fatal(err)
		}
		if err := s.NetConn().(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if string(got) != "part" {
			t.Errorf("read %q", got)
		}
		wantError(t, err, conn.CutShort, "cut short: the connection ended without close_notify")
	})
	t.Run("within a record", func(t *testing.T) {
		c, s := pinned(t, 0)
		if _, err := s.Write([]byte("part")); err != nil {
			t.Fatal(err)
		}
		// The head of a record of 100 bytes, and ten of them.
		if _, err := s.NetConn().Write([]byte{23, 3, 3, 0, 100, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}); err != nil {
			t.Fatal(err)
		}
		if err := s.NetConn().(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if string(got) != "part" {
			t.Errorf("read %q", got)
		}
		wantError(t, err, conn.CutShort, "without close_notify")
	})
	t.Run("garbage", func(t *testing.T) {
		c, s := pinned(t, 0)
		if _, err := s.NetConn().Write([]byte("HTTP/1.1 400 Bad Request\r\n")); err != nil {
			t.Fatal(err)
		}
		_, err := c.Read(make([]byte, 1))
		wantError(t, err, conn.ResetByPeer, "the peer sent what is not TLS")
	})
	t.Run("reset", func(t *testing.T) {
		c, s := pinned(t, 0)
		if err := conn.Reset(s.NetConn()); err != nil {
			t.Fatal(err)
		}
		_, err := c.Read(make([]byte, 1))
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a reset was read as %v", err)
		}
	})
	t.Run("reset, seen by a write", func(t *testing.T) {
		c, s := pinned(t, 0)
		if err := conn.Reset(s.NetConn()); err != nil {
			t.Fatal(err)
		}
		for err := error(nil); !errors.Is(err, syscall.ECONNRESET); _, err = c.NetConn().Write([]byte{0}) {
			if errors.Is(err, syscall.EPIPE) {
				t.Fatal(err)
			}
		}
		_, err := c.Read(make([]byte, 1))
		if !errors.Is(err, syscall.ECONNRESET) && runtime.GOOS == "linux" {
			t.Errorf("a reset was read as %v", err)
		}
	})
}

// TestAlerts: what a peer refuses at the door is no connection; what it
// breaks off later is a conversation broken.
func TestAlerts(t *testing.T) {
	alert := func(code uint8) error { return &net.OpError{Op: "remote error", Err: tls.AlertError(code)} }
	tests := []struct {
		err      error
		received bool
		kind     conn.Kind
		words    string
	}{
		{alert(116), false, conn.TLS, `the peer refused: "certificate required"`},
		{alert(116), true, conn.ResetByPeer, `the peer refused: "certificate required"`},
		{alert(48), false, conn.TLS, `the peer refused: "unknown certificate authority"`},
		{alert(20), false, conn.ResetByPeer, `the peer refused: "bad record MAC"`},
		{alert(200), false, conn.ResetByPeer, `the peer refused: "alert(200)"`},
		{&net.OpError{Op: "local error", Err: tls.AlertError(20)}, true, conn.ResetByPeer, "the data was changed on its way: bad record MAC"},
	}
	for _, tt := range tests {
		e := streamError(tt.err, tt.received)
		if e == nil {
			t.Errorf("%v is nothing", tt.err)
			continue
		}
		if e.Why != tt.kind || !strings.Contains(e.Error(), tt.words) {
			t.Errorf("%v after words %v is %s: %v, want %s: %s", tt.err, tt.received, e.Why, e, tt.kind, tt.words)
		}
	}
	if e := streamError(os.ErrDeadlineExceeded, false); e != nil {
		t.Errorf("a deadline is %v", e)
	}
}

func TestReadAfterTimeout(t *testing.T) {
	c, s := pinned(t, 0)
	if err := c.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err := c.Read(make([]byte, 1))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a past deadline: %v", err)
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte("late")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	if n, err := c.Read(buf); err != nil || string(buf[:n]) != "late" {
		t.Errorf("read %q, %v after the deadline was lifted", buf[:n], err)
	}
}

// TestClose sees to it that Close alone is an end in order, that it does not
// wait for a peer that does not read, and that it frees who waits.
func TestClose(t *testing.T) {
	c, s := pinned(t, 0)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(s); len(got) != 0 || err != nil {
		t.Errorf("Close was read as %q, %v", got, err)
	}

	c, _ = pinned(t, 0)
	stuck := make(chan error, 2)
	go func() {
		for {
			if _, err := c.Write(make([]byte, 1<<20)); err != nil {
				stuck <- err
				return
			}
		}
	}()
	go func() {
		_, err := c.Read(make([]byte, 1))
		stuck <- err
	}()
	if err := c.Close(); err != nil {
		t.Errorf("closing under a write: %v", err)
	}
	for range 2 {
		if err := <-stuck; err == nil {
			t.Error("no error under a Close")
		}
	}
}

// TestBothWays has both sides send at once while both read.
func TestBothWays(t *testing.T) {
	c, s := pinned(t, 0)
	data := make([]byte, 3<<20)
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range data {
		data[i] = byte(rnd.Uint32())
	}
	var wg sync.WaitGroup
	for _, side := range []*Stream{c, s} {
		wg.Go(func() {
			if _, err := side.Write(data); err != nil {
				t.Error(err)
			}
			if err := side.CloseWrite(); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if got, err := io.ReadAll(side); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	wg.Wait()
}

func TestFacts(t *testing.T) {
	server := must(t)(Options{ALPN: []string{"b", "a"}}.ServerConfig())
	client := must(t)(Options{ALPN: []string{"a", "c"}, Insecure: true}.ClientConfig("example.org"))
	c, s, cerr, serr := handshakes(t, client, server)
	if cerr != nil || serr != nil {
		t.Fatal(cerr, serr)
	}
	facts := c.Facts()
	if facts.Version != "TLS 1.3" || facts.ALPN != "a" || facts.Cipher == "" || facts.Fingerprint != OwnFingerprint(server) || facts.Peer != "CN=throw-away certificate" {
		t.Errorf("the client knows %+v", facts)
	}
	if facts := s.Facts(); facts.Version != "TLS 1.3" || facts.ALPN != "a" || facts.Fingerprint != "" || facts.Peer != "" {
		t.Errorf("the server knows %+v", facts)
	}
}

// writePEM writes blocks into a file of the test's and returns its path.
func writePEM(t *testing.T, name string, mode os.FileMode, blocks ...*pem.Block) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	var data []byte
	for _, b := range blocks {
		data = append(data, pem.EncodeToMemory(b)...)
	}
	if err := os.WriteFile(path, data, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func certBlock(cert tls.Certificate) *pem.Block {
	return &pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}
}

func keyBlock(t *testing.T, cert tls.Certificate) *pem.Block {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return &pem.Block{Type: "PRIVATE KEY", Bytes: der}
}

// No words of Go's packages reach a user, and an alert of ours is about the peer.
func TestHandshakeWords(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{errors.New("tls: failed to parse certificate from server: x509: malformed extension value field"), "failed to parse certificate from server: malformed extension value field"},
		{errors.New("tls: invalid signature by the server certificate: crypto/rsa: verification error"), "invalid signature by the server certificate: verification error"},
		{errors.New("tls: handshake buffer not empty before setting read traffic secret"), "the peer sent a handshake message out of turn"},
		{errors.New("tls: server selected unsupported protocol version 3ff"), "the peer wants 3ff, and 1.2 is the oldest version that is taken"},
		{&net.OpError{Op: "local error", Err: tls.AlertError(20)}, "the data was changed on its way: bad record MAC"},
		{&net.OpError{Op: "local error", Err: tls.AlertError(10)}, "the peer sent what is not TLS: unexpected message"},
	} {
		if e := handshakeError(nil, tt.err); e.Error() != "TLS with the peer: "+tt.want {
			t.Errorf("%v: %q, want %q", tt.err, e, tt.want)
		}
	}
}
