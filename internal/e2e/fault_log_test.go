//go:build unix

package e2e

import (
	"os"
	"syscall"
	"testing"
)

// A log that nobody reads holds up a conversation, as it does any program's, but
// not the deadline.
func TestFaultLogUnread(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	fd := int(w.Fd()) // in blocking mode
	_ = syscall.SetNonblock(fd, true)
	for err = nil; err == nil; {
		_, err = syscall.Write(fd, make([]byte, 4096))
	}
	_ = syscall.SetNonblock(fd, false)
	cmd := gcatCmd(append([]string{"-v", "--deadline", "0.2"}, serve(t, "tcp", func(c halfConn) { hold(t) })...)...)
	cmd.Stderr = w
	p := launch(t, cmd)
	if got := p.status(); got != 4 {
		t.Errorf("status %d", got)
	}
}
