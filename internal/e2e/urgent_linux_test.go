package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// sendUrgent sends one byte out of band (MSG_OOB of send(2)).
func sendUrgent(t *testing.T, c halfConn) {
	t.Helper()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Error(err)
		return
	}
	var failed error
	err = raw.Write(func(fd uintptr) bool {
		_, failed = unix.SendmsgN(int(fd), []byte("!"), nil, nil, unix.MSG_OOB)
		return failed != unix.EAGAIN
	})
	if err != nil || failed != nil {
		t.Errorf("urgent byte: %v, %v", err, failed)
	}
}

// splice(2) stops in front of urgent data as it does at the end of file, or as
// if nothing had come. What stands behind it comes all the same, at once; the
// urgent byte itself is no part of the stream.
func TestUrgent(t *testing.T) {
	const half = 1 << 20
	data := noise(1, 2*half)
	talk := func(c halfConn) {
		_, _ = c.Write(data[:half])
		sendUrgent(t, c)
		_, _ = c.Write(data[half:])
	}
	// open is a peer that leaves the line open until delivered is closed.
	open := func(t *testing.T) (at []string, delivered chan bool) {
		delivered = make(chan bool)
		at = serve(t, "tcp", func(c halfConn) {
			talk(c)
			<-delivered
		})
		t.Cleanup(func() { close(delivered) })
		return append([]string{"-d"}, at...), delivered
	}
	t.Run("pipe", func(t *testing.T) {
		t.Parallel()
		at, delivered := open(t)
		p := start(t, nil, at...)
		awaitAtLeast(t, p.out, len(data))
		delivered <- true
		p.ends(0, string(data), "")
	})
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		out, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		at, delivered := open(t)
		cmd := gcatCmd(at...)
		cmd.Stdout = out
		p := launch(t, cmd)
		awaitSize(t, out, len(data))
		delivered <- true
		p.ends(0, "", "")
		if got, err := os.ReadFile(out.Name()); err != nil || string(got) != string(data) {
			t.Errorf("%d bytes in the file, want %d: %v", len(got), len(data), err)
		}
	})
	t.Run("end", func(t *testing.T) {
		t.Parallel()
		start(t, nil, append([]string{"-d"}, serve(t, "tcp", talk)...)...).ends(0, string(data), "")
	})
	t.Run("thrown away", func(t *testing.T) {
		t.Parallel()
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer null.Close()
		cmd := gcatCmd(append([]string{"-d", "-v"}, serve(t, "tcp", talk)...)...)
		cmd.Stdout = null
		p := launch(t, cmd)
		if got, want := p.status(), fmt.Sprintf("received %d in", len(data)); got != 0 || !strings.Contains(p.err.String(), want) {
			t.Errorf("status %d; it said %q, want %q", got, p.err, want)
		}
	})
}

// awaitSize blocks until f holds n bytes.
func awaitSize(t *testing.T, f *os.File, n int) {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(time.Millisecond) {
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() >= int64(n) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d bytes are in the file, want %d", info.Size(), n)
		}
	}
}
