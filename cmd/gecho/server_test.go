package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// A server is a gecho that runs for a test.
type server struct {
	t       testing.TB
	cmd     *exec.Cmd
	address []string // as printed, without the scheme
	log     lockedBuffer
	waited  chan error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// start starts gecho and waits until it has printed n addresses.
func start(t testing.TB, n int, args ...string) *server {
	t.Helper()
	return startCommand(t, n, exec.Command(script.Path("gecho"), args...))
}

func startCommand(t testing.TB, n int, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{t: t, cmd: cmd, waited: make(chan error, 1)}
	cmd.Stderr = &s.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range n {
		if !lines.Scan() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			t.Fatalf("no address: %s", s.log.String())
		}
		_, address, _ := strings.Cut(lines.Text(), "://")
		s.address = append(s.address, address)
	}
	go func() {
		_, _ = io.Copy(io.Discard, out)
		s.waited <- cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-s.waited
		if t.Failed() {
			t.Logf("gecho said: %s", s.log.String())
		}
	})
	return s
}

// status waits for the end and returns the exit status.
func (s *server) status() int {
	s.t.Helper()
	select {
	case err := <-s.waited:
		s.waited <- err
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		s.t.Fatal("gecho did not end")
		return -1
	}
}

// end sends sig and returns the exit status.
func (s *server) end(sig os.Signal) int {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
	return s.status()
}

// said waits until the log holds text.
func (s *server) said(text string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if strings.Contains(s.log.String(), text) {
			return
		}
	}
	s.t.Fatalf("the log never said %q but %q", text, s.log.String())
}

// dial connects to the first address, or the i-th.
func (s *server) dial(i ...int) net.Conn {
	s.t.Helper()
	network, address := "tcp", s.address[0]
	if len(i) > 0 {
		address = s.address[i[0]]
	}
	if strings.ContainsAny(address, "/@") {
		network = "unix"
	}
	c, err := net.DialTimeout(network, address, patience)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
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
