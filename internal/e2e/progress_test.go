//go:build linux

package e2e

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// --progress shows how far it is and leaves no trace.
func TestProgress(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, make([]byte, 64<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cmd := gcatCmd("--progress", l.Addr().String())
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout = in, &out
	s := script.Sit(t, 60, cmd)
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	s.Await(" of 64 MiB, received 0 B  ") // the peer has read nothing yet
	s.Await("/s  ")
	s.Resize(30)
	s.Await("\rsent ")
	if n, err := io.Copy(io.Discard, peer); n != 64<<20 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	peer.Close()
	if status := s.Leaves(); status != 0 {
		t.Errorf("status %d", status)
	}
	if all := s.Ends(); !strings.HasSuffix(all, "\r\x1b[K") {
		t.Errorf("%q", all)
	}
	if rows := s.Rows(); strings.Join(rows, "\n") != "_" {
		t.Errorf("left on the screen: %q", rows)
	}
}

// So does one with a meter, where the peer's bytes wait, too.
func TestProgressStopped(t *testing.T) {
	t.Parallel()
	c := calls(t, func(cmd *exec.Cmd) { cmd.Stdin = input(t, "") }, "-v", "--progress")
	c.Await("/s")
	c.Stops()
	c.says("unseen")
	if err := c.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	c.leaves(128 + int(syscall.SIGTERM))
}

// SIGUSR1 prints the counts, and ends nothing.
func TestCounts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ options, want []string }{
		{nil, []string{": sent 5 bytes, received 6 in ", " so far\n"}},
		{[]string{"--log", "json"}, []string{`"event":"counts","sent":5,"received":6,"duration":`}},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		stdin, hold := pipe(t)
		p := start(t, stdin, append(test.options, l.Addr().String())...)
		peer, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()
		if _, err := io.WriteString(hold, "hello"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(peer, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(peer, "answer"); err != nil {
			t.Fatal(err)
		}
		p.out.await(t, "answer")
		// What is counted is counted a moment after it is there.
		for deadline := time.Now().Add(limit); !strings.Contains(p.err.String(), test.want[0]) && time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
			if err := p.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
				t.Fatal(err)
			}
		}
		for _, want := range test.want {
			p.err.await(t, want)
		}
		hold.Close()
		peer.Close()
		if status := p.status(); status != 0 {
			t.Errorf("status %d", status)
		}
	}
}
