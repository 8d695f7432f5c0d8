package conn

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
)

// What a server sends before it resets at once is read, also if the reset comes before
// the dialler has seen that the connection is there.
func TestDialKeepsLastWords(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // ends with l
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "words")
			_ = Reset(c)
		}
	}()
	late := 0
	for range 300 {
		c, err := (&Dialer{}).Dial(t.Context(), EndpointOf(l.Addr()))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := c.(lateReset); ok {
			late++
			if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
				t.Fatalf("write: %v", err)
			}
		}
		if got := c.RemoteAddr().String(); got != l.Addr().String() {
			t.Fatalf("connected to %s", got)
		}
		got, err := io.ReadAll(c)
		if string(got) != "words" || !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("%q, %v", got, err)
		}
		_ = c.Close()
	}
	t.Logf("%d of 300 resets came before the connection was seen", late)
}
