package conn

import (
	"errors"
	"io"
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
	c.pumpEnded(&c.receive, step{from: syscall.ETIMEDOUT})
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
