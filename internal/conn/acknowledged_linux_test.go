package conn

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// The system tells of a failure once. The second caller says what the first
// was told, even if that comes a moment later.
func TestSettledAfterAnotherWasTold(t *testing.T) {
	s, _ := socketPair(t, "tcp")
	// Filled until the peer's kernel takes no more.
	_ = s.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	if _, err := io.Copy(s, endless{}); err == nil {
		t.Fatal("the peer took everything")
	}
	if s.Unacknowledged() == 0 {
		t.Fatal("nothing is left")
	}
	go s.keepErrno(&net.OpError{Op: "read", Err: syscall.ETIMEDOUT})
	if err := s.deliveryError(nil); !errors.Is(err, syscall.ETIMEDOUT) || KindOf(err) != NotDelivered {
		t.Errorf("deliveryError: %v, want what another call was told", err)
	}
	s.keepErrno(syscall.EPIPE) // which follows from the first
	if err := s.deliveryError(nil); !errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("deliveryError again: %v", err)
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
