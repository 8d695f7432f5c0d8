package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// The tests here are about files that the command line names and that are no
// plain files.

// A standard stream that --ready names is written to, and stays what it is: the
// peer's socket does not get its number.
func TestReadyStandardStreams(t *testing.T) {
	t.Run("output", func(t *testing.T) {
		t.Parallel()
		p := start(t, nil, "-l", "--ready", "/dev/fd/1", "127.0.0.1", "0")
		p.out.awaitLines(t, 1)
		address := p.out.String()
		c := dialTest(t, "tcp", strings.TrimSpace(address))
		_, _ = c.Write([]byte("hello\n"))
		_ = c.CloseWrite()
		if got := readAll(c); got != "" {
			t.Errorf("the peer got %q", got)
		}
		p.ends(0, address+"hello\n", "")
	})
	t.Run("error", func(t *testing.T) {
		t.Parallel()
		p := start(t, nil, "-lk", "--ready", "/dev/fd/2", "127.0.0.1", "0")
		p.err.awaitLines(t, 1)
		address := strings.TrimSpace(p.err.String())
		resetNow(dialTest(t, "tcp", address))
		p.err.await(t, "connection reset by peer")
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		if got := p.status(); got != 128+int(syscall.SIGTERM) {
			t.Errorf("status %d; it said %q", got, p.err)
		}
	})
}

// A named pipe whose other end is not opened is waited for, and neither a
// signal nor the deadline waits for it.
func TestPipesNobodyOpens(t *testing.T) {
	for _, words := range []string{
		"-l 127.0.0.1 0 --ready",
		"-ul 127.0.0.1 0 --ready",
		"-l 127.0.0.1 0 -o",
		"-lc 127.0.0.1 0 --tls-cert",
		"-c 127.0.0.1 1 --tls-ca",
	} {
		t.Run(words, func(t *testing.T) {
			t.Parallel()
			fifo := filepath.Join(t.TempDir(), "fifo")
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			args := append(strings.Fields(words), fifo)
			start(t, nil, append([]string{"--deadline", "0.2"}, args...)...).ends(4, "", "(deadline)")
			p := start(t, nil, args...)
			awaitCall(t, p, fmt.Sprint(syscall.SYS_OPENAT))
			_ = p.cmd.Process.Signal(syscall.SIGTERM)
			p.ends(128+int(syscall.SIGTERM), "", "")
		})
	}
}

// The same of gecho, and of a standard output that is a full pipe.
func TestEchoPipesNobodyOpens(t *testing.T) {
	for _, words := range []string{"-c 0 --tls-ca-out", "-c 0 --tls-client-ca", ""} {
		t.Run(words, func(t *testing.T) {
			t.Parallel()
			fifo := filepath.Join(t.TempDir(), "fifo")
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(script.Path("gecho"), append(strings.Fields(words), fifo)...)
			call := fmt.Sprint(syscall.SYS_OPENAT)
			if words == "" {
				_, full := pipe(t)
				fill(t, full)
				cmd = exec.Command(script.Path("gecho"), "0")
				cmd.Stdout, call = full, fmt.Sprintf("%d 0x1", syscall.SYS_WRITE)
			}
			p := launch(t, cmd)
			awaitCall(t, p, call)
			_ = p.cmd.Process.Signal(syscall.SIGTERM)
			p.ends(128+int(syscall.SIGTERM), "", "")
		})
	}
}

// awaitCall blocks until a thread of p is held by the system call that begins so in
// proc(5).
func awaitCall(t *testing.T, p *proc, call string) {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(time.Millisecond) {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", p.cmd.Process.Pid))
		if err != nil || len(files) == 0 {
			t.Fatalf("no threads to look at: %v", err)
		}
		for _, file := range files {
			if at, err := os.ReadFile(file); err == nil && strings.HasPrefix(string(at), call+" ") {
				return
			}
		}
	}
	t.Fatal("it was never called")
}
