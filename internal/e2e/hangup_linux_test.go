package e2e

import (
	"syscall"
	"testing"
)

// A window that is closed is a SIGHUP, whichever gcat notices first, the signal
// or that its terminal fails (EIO): the connection is closed in order, and no
// reset destroys what the peer has not read yet.
func TestTerminalHangsUp(t *testing.T) {
	t.Parallel()
	for _, options := range [][]string{nil, {"--raw"}, {"-v"}} {
		for range 5 {
			c := calls(t, nil, options...)
			c.awaitEditor()
			c.Types("hello\r")
			c.got.Await("hello")
			c.HangUp()
			if got := c.Leaves(); got != 128+int(syscall.SIGHUP) {
				t.Errorf("%q: status %d", options, got)
			}
			c.got.Ends()
			if err := c.got.Err(); err != nil {
				t.Errorf("%q: the peer got %v", options, err)
			}
		}
	}
}
