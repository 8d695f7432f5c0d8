package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// The kernel reports a failure once: what the pump got that reads the connection is the
// error, and not what the wait for acknowledgement makes of it.
func TestAcknowledgedAfterRead(t *testing.T) {
	s, _ := socketPair(t, "tcp")
	// Filled until the peer's kernel takes no more.
	_ = s.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	if _, err := io.Copy(s, endless{}); err == nil {
		t.Fatal("the peer took everything")
	}
	err := s.deliveryError(nil)
	if !errors.Is(err, syscall.ECONNRESET) || KindOf(err) != NotDelivered {
		t.Errorf("deliveryError: %v", err)
	}
	c := newConversation(&Relay{Local: &Stdio{}, Remote: s, Peer: "peer"})
	c.send.state = awaiting
	if c.acknowledged(&c.send, err); c.err != nil || c.send.state != done {
		t.Errorf("state %v: %v", c.send.state, c.err)
	}
	c.pumpEnded(&c.receive, step{readErr: syscall.ETIMEDOUT})
	if !errors.Is(c.err, syscall.ETIMEDOUT) {
		t.Error(c.err)
	}
	c.err = nil
	if c.acknowledged(&c.send, err); !errors.Is(c.err, syscall.ECONNRESET) {
		t.Errorf("nothing is read any more: %v", c.err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// A connection that is reset before CloseWrite has no FIN in its queue: what is left
// there is data, be it a single byte.
func TestNotAcknowledgedBeforeFIN(t *testing.T) {
	for _, size := range []int64{1, 5} {
		a, b := socketPair(t, "tcp")
		b.Close()
		if _, err := a.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		for !a.failed() { // the reset in answer to the data
			time.Sleep(time.Millisecond)
		}
		if err := a.CloseWrite(); err == nil {
			t.Error("CloseWrite on a reset connection succeeded")
		}
		if n := a.Unacknowledged(); n != size {
			t.Errorf("%d of %d bytes are not acknowledged", n, size)
		}
		if err := a.Acknowledged(t.Context()); KindOf(err) != NotDelivered {
			t.Errorf("acknowledged: %v", err)
		}
	}
}

// A multipath connection is acknowledged although the peer stays open, and when the peer
// has half-closed first, not before it has taken everything.
func TestAcknowledgedMultipath(t *testing.T) {
	for _, peerFirst := range []bool{false, true} {
		a, b := multipathPair(t)
		if peerFirst {
			_ = b.CloseWrite()
			if got, err := io.ReadAll(a); len(got) > 0 || err != nil {
				t.Fatalf("%q, %v", got, err)
			}
		}
		// Filled until the peer's kernel takes no more.
		_ = a.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		sent, _ := io.Copy(a, endless{})
		_ = a.SetWriteDeadline(time.Time{})
		if err := a.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := a.Acknowledged(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("peerFirst %v: with a full queue: %v", peerFirst, err)
		}
		_ = a.SetWriteDeadline(time.Time{})
		if got, err := io.Copy(io.Discard, b); got != sent || err != nil {
			t.Errorf("%d bytes of %d, %v", got, sent, err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := a.Acknowledged(ctx); err != nil || a.Unacknowledged() != 0 {
			t.Errorf("peerFirst %v: %v, %d bytes left", peerFirst, err, a.Unacknowledged())
		}
	}
}

// A multipath connection that the peer resets fails rather than waits.
func TestNotAcknowledgedMultipath(t *testing.T) {
	a, b := multipathPair(t)
	_ = a.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	_, _ = io.Copy(a, endless{})
	_ = a.SetWriteDeadline(time.Time{})
	_ = a.CloseWrite()
	_ = b.Reset()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := a.Acknowledged(ctx); KindOf(err) != NotDelivered {
		t.Error(err)
	}
}

func multipathPair(t *testing.T) (a, b *Socket) {
	options := SocketOptions{MPTCP: true}
	l, err := ListenConfig{Socket: options}.Listen(t.Context(), Endpoint{Network: "tcp", Host: "127.0.0.1", Port: "0"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := (&Dialer{Socket: options}).Dial(t.Context(), EndpointOf(l.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	d, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	a, b = NewSocket(c), NewSocket(d)
	t.Cleanup(func() { a.Close(); b.Close() })
	if used, _ := c.(*net.TCPConn).MultipathTCP(); !used {
		t.Skip("this kernel has no multipath TCP, or it is turned off")
	}
	return a, b
}
