package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/net/nettest"
)

// socketPair returns two connected Sockets of a network.
func socketPair(t testing.TB, network string) (a, b *Socket) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	d, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	a, b = NewSocket(c), NewSocket(d)
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func TestSocketIsConn(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				a, b := socketPair(t, network)
				return a, b, func() { a.Close(); b.Close() }, nil
			})
		})
	}
}

// Bytes in the peer's kernel are acknowledged, FIN and all, before the peer reads
// a byte; what it resets is not.
func TestSocketAcknowledged(t *testing.T) {
	a, b := socketPair(t, "tcp")
	if _, err := io.WriteString(a, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := a.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := a.Acknowledged(t.Context()); err != nil {
		t.Error(err)
	}
	if n := a.Unacknowledged(); n != 0 {
		t.Errorf("%d bytes are not acknowledged", n)
	}
	_ = b
}

func TestSocketNotAcknowledged(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			a, b := socketPair(t, network)
			full := make(chan error, 1)
			go func() {
				_, err := a.Write(make([]byte, 64<<20))
				full <- err
			}()
			// The peer never reads: what does not fit into its buffer waits in ours.
			for start := time.Now(); a.Unacknowledged() == 0; time.Sleep(time.Millisecond) {
				if time.Since(start) > 10*time.Second {
					t.Fatal("nothing waits")
				}
			}
			_ = b.Reset()
			if err := <-full; err == nil {
				t.Error("the write succeeded")
			}
			if err := a.Acknowledged(t.Context()); network == "tcp" && KindOf(err) != NotDelivered {
				t.Errorf("acknowledged: %v", err)
			}
		})
	}
}

// On a Unix socket acknowledged means read, and half-closed peers count as well.
func TestSocketAcknowledgedUnix(t *testing.T) {
	a, b := socketPair(t, "unix")
	_ = b.CloseWrite()
	if _, err := io.WriteString(a, "hello"); err != nil {
		t.Fatal(err)
	}
	_ = a.CloseWrite()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := a.Acknowledged(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("before anybody read: %v", err)
	}
	if got, err := io.ReadAll(b); string(got) != "hello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if err := a.Acknowledged(t.Context()); err != nil {
		t.Errorf("after it was read: %v", err)
	}
}

func TestSocketAcknowledgedUnixUnread(t *testing.T) {
	a, b := socketPair(t, "unix")
	_, _ = io.WriteString(a, "hello")
	_ = a.CloseWrite()
	b.Close()
	if err := a.Acknowledged(t.Context()); KindOf(err) != NotDelivered {
		t.Errorf("the peer closed without reading: %v", err)
	}
}

// Gone tells a peer that closed from one that half-closed, on Unix sockets.
func TestSocketGone(t *testing.T) {
	a, b := socketPair(t, "unix")
	gone := make(chan error, 1)
	_ = b.CloseWrite()
	if got, err := io.ReadAll(a); len(got) > 0 || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	go func() { gone <- a.Gone() }()
	select {
	case err := <-gone:
		t.Fatalf("gone after a half-close: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	b.Close()
	if err := <-gone; err != nil {
		t.Error(err)
	}
}
