//go:build unix

package e2e

import (
	"crypto/tls"
	"net"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// inDrops sends a little at a time.
type inDrops struct{ net.Conn }

func (d inDrops) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		time.Sleep(20 * time.Millisecond)
		m := 0
		m, err = d.Conn.Write(p[n:min(n+16, len(p))])
		n += m
	}
	return n, err
}

// A TLS listener's idle limit is about bytes in the handshake, too; its connect
// limit is what was given, else 10 s.
func TestFaultHandshakeClocks(t *testing.T) {
	t.Parallel()
	for _, limit := range [][]string{{"-w", "1"}, {"--idle-timeout", "1"}} {
		p, at := listener(t, "tcp", nil, append(limit, "-c")...)
		c := tls.Client(inDrops{dialTest(t, "tcp", at)}, &tls.Config{InsecureSkipVerify: true})
		if err := c.Handshake(); err != nil { // of 1500 bytes: longer than the limit
			t.Errorf("%q: %v; it said %q", limit, err, p.err)
		}
		_ = c.Close()
		p.ends(0, "", "")
	}
	for words, options := range map[string][]string{
		"no byte of the handshake moved for 300ms (idle limit)": {"-w", "0.3"},
		"no byte of the handshake moved for 200ms (idle limit)": {"-w", "0.2", "--connect-timeout", "0"},
		"handshake timed out after 300ms (connect limit)":       {"--connect-timeout", "0.3"},
		"handshake timed out after 250ms (connect limit)":       {"--connect-timeout", "0.25", "-w", "30"},
	} {
		p, at := listener(t, "tcp", nil, append(options, "-c")...)
		c := dialTest(t, "tcp", at)
		p.ends(4, "", "gcat: TLS with "+c.LocalAddr().String()+": "+words)
	}
}

// A client that does not trust our certificate says so in plain text, before it has
// keys.
func TestFaultHandshakeDistrusted(t *testing.T) {
	t.Parallel()
	p, at := listener(t, "tcp", nil, "-c")
	client := launch(t, exec.Command(script.Peer(t, "openssl"), "s_client", "-connect", at, "-verify_return_error"))
	p.ends(3, "", `: the peer refused: "unknown certificate authority"`)
	client.status()
}

// A Unix listener whose backlog is full is waited for, under the connect limit.
func TestFaultUnixBacklog(t *testing.T) {
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
