//go:build unix

package command

import (
	"context"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestWaitForGroup: how a command ends is reported, by itself or asked to.
func TestWaitForGroup(t *testing.T) {
	for _, tt := range []struct {
		line  string
		asked bool
		want  string
		least time.Duration
	}{
		{"exit 0", false, "", 0},
		{"exit 3", false, "exit status 3", 0},
		{"kill -HUP $$", false, "signal: hangup", 0},
		{"sleep 0.1 & exit 4", false, "exit status 4", 100 * time.Millisecond},
		{"echo; sleep 100", true, "signal: terminated", 0},
		{"trap '' TERM; echo; sleep 100", true, "signal: killed", endWait},
	} {
		t.Run(tt.line, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("/bin/sh", "-c", tt.line)
			out, theirs, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			cmd.Stdout = theirs
			p, err := start(cmd)
			theirs.Close()
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.asked {
				_, _ = out.Read(make([]byte, 1))
				cancel()
			}
			began := time.Now()
			got := ""
			if err := p.waitForGroup(ctx); err != nil {
				got = err.Error()
			}
			if took := time.Since(began); got != tt.want || took < tt.least*9/10 {
				t.Errorf("%q after %v, want %q", got, took, tt.want)
			}
		})
	}
}

// TestKill: a command that ignores SIGTERM, and what it has started, do not outlive
// Kill.
func TestKill(t *testing.T) {
	for _, line := range []string{"trap '' TERM; echo; sleep 100", "trap '' TERM; sleep 100 & echo; exit 0"} {
		cmd := exec.Command("/bin/sh", "-c", line)
		out, theirs, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdout = theirs
		p, err := start(cmd)
		theirs.Close()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = out.Read(make([]byte, 1))
		Kill()
		if got, err := out.Read(make([]byte, 1)); err != io.EOF { // its last process has ended
			t.Errorf("%q: %d, %v", line, got, err)
		}
		_ = p.waitForGroup(t.Context())
		out.Close()
		if len(children.groups) > 0 {
			t.Errorf("%q: a group is left", line)
		}
	}
}

// TestWaitBounded: a process that SIGKILL does not end is not waited for.
func TestWaitBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		p := &process{pid: 1 << 30, exited: make(chan struct{})} // more than pid_max
		if err := p.waitForGroup(ctx); err == nil || err.Error() != "still running after SIGKILL" {
			t.Error(err)
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// TestReap: when no child is left, nothing waits for one.
func TestReap(t *testing.T) {
	p, err := start(exec.Command("/bin/sh", "-c", "true & setsid true & exit 0"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.waitForGroup(t.Context()); err != nil {
		t.Error(err)
	}
	for reaping := true; reaping; time.Sleep(time.Millisecond) {
		children.mu.Lock()
		reaping = children.reaping
		children.mu.Unlock()
	}
	if _, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != syscall.ECHILD {
		t.Errorf("children are left: %v", err)
	}
}
