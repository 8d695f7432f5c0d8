package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stop stops the server until goOn is called, and returns when all its threads
// stand still.
func (s *echoServer) stop() (goOn func()) {
	s.t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGSTOP)
	for deadline := time.Now().Add(limit); ; time.Sleep(time.Millisecond) {
		stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.cmd.Process.Pid))
		still := len(stats) > 0
		for _, name := range stats {
			stat, _ := os.ReadFile(name)
			_, state, _ := strings.Cut(string(stat), ") ")
			still = still && strings.HasPrefix(state, "T")
		}
		if still {
			return func() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }
		}
		if time.Now().After(deadline) {
			s.t.Fatal("it was not stopped")
		}
	}
}

// A server that is stopped for longer than its idle limit (SIGSTOP) keeps its
// crowd: those whose bytes wait are answered, however many they are, and the
// others have the whole limit again. Then it holds.
func TestCrowdStopped(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, args ...string) {
		s := gecho(t, 1, append(args, "-w", "2", "0")...)
		var crowd []net.Conn
		for range 400 { // more than one look of epoll(7) shows
			crowd = append(crowd, s.dial())
		}
		for _, c := range crowd {
			_, _ = io.WriteString(c, "1\n")
		}
		for _, c := range crowd {
			talk(t, c, "", "1\n")
		}
		goOn := s.stop()
		for _, c := range crowd[:300] {
			_, _ = io.WriteString(c, "2\n")
		}
		time.Sleep(5 * time.Second)
		goOn()
		for _, c := range crowd[300:] {
			_, _ = io.WriteString(c, "2\n")
		}
		for _, c := range crowd {
			talk(t, c, "", "2\n")
		}
		for _, c := range crowd {
			if got := rest(t, c); got != "" {
				t.Errorf("at the limit it said %q", got)
			}
		}
		if got := s.end(syscall.SIGTERM); got != 0 {
			t.Errorf("status %d", got)
		}
	})
}

// The same with what is only a little too late: a peer whose bytes came in time is
// answered.
func TestCrowdStoppedShortly(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, args ...string) {
		s := gecho(t, 1, append(args, "-w", "4", "0")...)
		var crowd []net.Conn
		for range 400 {
			crowd = append(crowd, s.dial())
		}
		for _, c := range crowd {
			_, _ = io.WriteString(c, "1\n")
		}
		for _, c := range crowd {
			talk(t, c, "", "1\n")
		}
		time.Sleep(3 * time.Second)
		goOn := s.stop()
		for _, c := range crowd {
			_, _ = io.WriteString(c, "2\n")
		}
		time.Sleep(1300 * time.Millisecond) // a leap is more than a quarter of the limit
		goOn()
		for _, c := range crowd {
			talk(t, c, "", "2\n")
		}
	})
}
