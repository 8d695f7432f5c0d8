package e2e

import (
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"gcat/internal/testing/script"
)

// An echoServer is a gecho at work.
type echoServer struct {
	*proc
	address []string // as printed, without the scheme
}

// gecho starts gecho and waits until it has printed n addresses.
func gecho(t *testing.T, n int, args ...string) *echoServer {
	t.Helper()
	return gechoCommand(t, n, exec.Command(script.Path("gecho"), args...))
}

func gechoCommand(t *testing.T, n int, cmd *exec.Cmd) *echoServer {
	t.Helper()
	s := &echoServer{proc: launch(t, cmd)}
	s.out.awaitLines(t, n)
	for line := range strings.Lines(s.out.String()) {
		_, address, _ := strings.Cut(strings.TrimSpace(line), "://")
		s.address = append(s.address, address)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("gecho said: %s", s.err)
		}
	})
	return s
}

// end sends sig and returns the exit status.
func (s *echoServer) end(sig os.Signal) int {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
	return s.status()
}

// said waits until the log holds text.
func (s *echoServer) said(text string) {
	s.t.Helper()
	s.err.await(s.t, text)
}

// dial connects to the first address, or the i-th.
func (s *echoServer) dial(i ...int) net.Conn {
	s.t.Helper()
	network, address := "tcp", s.address[0]
	if len(i) > 0 {
		address = s.address[i[0]]
	}
	if strings.ContainsAny(address, "/@") {
		network = "unix"
	}
	return dialTest(s.t, network, address)
}

// talk sends text and expects want back.
func talk(t testing.TB, c net.Conn, text, want string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

// rest reads to the end of file.
func rest(t testing.TB, c net.Conn) string {
	t.Helper()
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("after %d bytes: %v", len(b), err)
	}
	return string(b)
}
