package echo

import (
	"context"
	"net"
	"testing"
	"time"

	"gcat/internal/conn"
)

// A connection that has only just been accepted when the grace ends is closed as the
// others are.
func TestGraceAtOnce(t *testing.T) {
	for range 200 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		s := &Server{Lines: true}
		done := make(chan int)
		go func() { done <- s.Serve(ctx, 0, []Socket{{Handed: conn.Handed{Listener: l}}}) }()
		for range 5 {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			go func() { // ends with the connection
				_, _ = c.Read(make([]byte, 1))
				_ = c.Close()
			}()
		}
		cancel()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Fatalf("%d connections are still open", s.Totals.Now.Load())
		}
	}
}
