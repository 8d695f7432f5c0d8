package e2e

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"gcat/internal/testing/script"
)

// A signal during a look-up ends gecho by that signal, silently, and leaves no
// socket file behind.
func TestSignalDuringLookup(t *testing.T) {
	names, err := net.ListenPacket("udp", "127.0.0.99:53") // a name server that is silent
	if err != nil {
		t.Skip(err)
	}
	defer names.Close()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte("nameserver 127.0.0.99\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		cmd := exec.Command("unshare", "-rm", "sh", "-c", `mount --bind resolv.conf /etc/resolv.conf || exit 99; exec "$0" ./socket tcp://no.example.:0`, script.Path("gecho"))
		cmd.Dir = dir
		p := launch(t, cmd)
		asked := make(chan struct{})
		go func() { // ends with the question, or with names
			_, _, _ = names.ReadFrom(make([]byte, 512))
			close(asked)
		}()
		select {
		case <-asked:
		case <-p.done:
			t.Skipf("no name space of one's own: %s", p.err)
		}
		_ = cmd.Process.Signal(sig)
		p.ends(128+int(sig), "", "")
		if _, err := os.Lstat(filepath.Join(dir, "socket")); err == nil {
			t.Errorf("%v: the socket file is left", sig)
		}
	}
}

// What a fault has kept back was not sent.
func TestToFaultCounts(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"close", "reset", "half-close"} {
		s, client, server := handingOn(t, "tcp", "-v", "--"+how+"-after", "3")
		_, _ = io.WriteString(server, "abcdefgh")
		_, _ = io.ReadFull(client, make([]byte, 3))
		_ = server.CloseWrite()
		_ = client.CloseWrite()
		s.said("received 0 bytes, sent 3, in ")
		_ = s.cmd.Process.Signal(syscall.SIGUSR1)
		s.said(" 0 bytes received, 3 sent,")
	}
}
