//go:build unix

package e2e

import (
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Refused.
func TestConnectRefused(t *testing.T) {
	port := freePort(t)
	start(t, input(t, "x"), "127.0.0.1", port).ends(3, "", "connect to 127.0.0.1:"+port+": connection refused")
}

// No host answers the SYN, here because the backlog is full.
func TestConnectBacklogFull(t *testing.T) {
	port := fullBacklog(t)
	for _, flags := range [][]string{{"-w0.3"}, {"--connect-timeout", "300ms"}, {"--deadline", "0.3"}} {
		t.Run(flags[0], func(t *testing.T) {
			start(t, input(t, "x"), append(flags, "127.0.0.1", port)...).ends(4, "", "300ms")
		})
	}
}

// A name that does not exist (RFC 6761 says that .invalid never does).
func TestConnectNoSuchName(t *testing.T) {
	start(t, nil, "--connect-timeout", "20", "no-such-name.invalid", "80").ends(3, "", "no-such-name.invalid")
}

// A Unix listener whose backlog is full is waited for, under the connect limit.
func TestConnectUnixBacklog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "socket")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	dialTest(t, "unix", path)
	if other, err := net.DialTimeout("unix", path, 50*time.Millisecond); err == nil {
		other.Close()
		t.Skip("here a backlog of 0 holds more than one")
	}
	start(t, nil, "-w", "0.3", path).ends(4, "", "gcat: connect to "+path+": timed out after 300ms (connect limit); its backlog is full\n")

	p := start(t, nil, path)
	time.Sleep(20 * time.Millisecond) // it had better be waiting
	for range 2 {
		c, _, err := syscall.Accept(fd)
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(c)
		_, _ = syscall.Write(c, []byte("served"))
		_ = syscall.Shutdown(c, syscall.SHUT_WR)
	}
	p.ends(0, "served", "")
}
