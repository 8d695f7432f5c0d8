package conn

import (
	"errors"
	"io"
	"syscall"
	"testing"
)

// What a server sends before it resets at once is read, also if the reset comes before
// the dialler has seen that the connection is there.
func TestDialKeepsLastWords(t *testing.T) {
	e := resetting(t, "words")
	late := 0
	for range 300 {
		c, err := (&Dialer{}).Dial(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := c.(lateReset); ok {
			late++
			if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
				t.Fatalf("write: %v", err)
			}
		}
		if got := c.RemoteAddr().String(); got != e.Address() {
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
