//go:build unix

package e2e

import (
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The receiver of -F gets the connected socket itself, in blocking mode, with
// one byte of data, and gcat ends.
func TestPassFD(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		at := serve(t, network, func(c halfConn) {
			got := readAll(c)
			_, _ = io.WriteString(c, "got "+got)
		})
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		ours := os.NewFile(uintptr(pair[0]), "receiver")
		defer ours.Close()
		theirs := os.NewFile(uintptr(pair[1]), "standard output")
		cmd := gcatCmd(append([]string{"-F"}, at...)...)
		cmd.Stdout = theirs
		p := launch(t, cmd)
		theirs.Close()
		p.ends(0, "", "")

		data, oob := make([]byte, 10), make([]byte, unix.CmsgSpace(4))
		n, oobn, _, _, err := unix.Recvmsg(pair[0], data, oob, 0)
		if err != nil || n != 1 || data[0] != 0 {
			t.Fatalf("%d bytes %q, %v", n, data[:n], err)
		}
		messages, err := unix.ParseSocketControlMessage(oob[:oobn])
		if err != nil || len(messages) != 1 {
			t.Fatal(messages, err)
		}
		fds, err := unix.ParseUnixRights(&messages[0])
		if err != nil || len(fds) != 1 {
			t.Fatal(fds, err)
		}
		if flags, err := unix.FcntlInt(uintptr(fds[0]), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
			t.Errorf("flags %x, %v", flags, err)
		}
		f := os.NewFile(uintptr(fds[0]), "passed")
		defer f.Close()
		c, err := net.FileConn(f)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, "question")
		_ = c.(halfConn).CloseWrite()
		if got := readAll(c); got != "got question" {
			t.Errorf("%q", got)
		}
	})
}

// SIGUSR1 prints the counts so far, and nothing else happens.
func TestCountsNothingElse(t *testing.T) {
	got := make(chan struct{})
	at := serve(t, "tcp", func(c halfConn) {
		_, _ = io.ReadFull(c, make([]byte, 5))
		close(got)
		_ = readAll(c)
	})
	stdin, hold := pipe(t)
	p := start(t, stdin, at...)
	_, _ = io.WriteString(hold, "hello")
	<-got
	for n := 1; !strings.Contains(p.err.String(), ": sent 5 bytes, received 0 in "); n++ {
		_ = p.cmd.Process.Signal(syscall.SIGUSR1)
		p.err.awaitLines(t, n) // the peer may know sooner than gcat that all is sent
	}
	hold.Close()
	if p.status() != 0 {
		t.Errorf("status %d, %q", p.status(), p.err)
	}
	for line := range strings.Lines(p.err.String()) {
		if !strings.HasPrefix(line, "gcat: 127.0.0.1:") || !strings.HasSuffix(line, " so far\n") {
			t.Errorf("%q", line)
		}
	}

	// A listener without a peer is not ended by it either.
	l, _ := listener(t, "tcp", nil)
	_ = l.cmd.Process.Signal(syscall.SIGUSR1)
	l.err.await(t, "gcat: no peer is connected\n")
}
