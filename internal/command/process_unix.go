//go:build unix

package command

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Supported says that this system runs commands.
const Supported = true

// A process is a running command: the leader of a process group, and the other
// processes in that group.
type process struct {
	pid    int
	exited chan struct{}      // closed when the leader has ended
	status syscall.WaitStatus // of the leader, once it has ended
}

// children are the running commands. One goroutine, reap, waits for all children
// of this process, commands and adopted orphans alike; no other code may call
// wait(2).
var children struct {
	mu      sync.Mutex
	leaders map[int]*process // that have not ended, by process ID
	groups  map[int]bool     // of the commands that waitForGroup has not returned for
	reaping bool
}

// start starts cmd in a process group of its own.
func start(cmd *exec.Cmd) (*process, error) {
	adoptOrphans()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	children.mu.Lock()
	defer children.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if children.leaders == nil {
		children.leaders, children.groups = make(map[int]*process), make(map[int]bool)
	}
	p := &process{pid: cmd.Process.Pid, exited: make(chan struct{})}
	children.leaders[p.pid], children.groups[p.pid] = p, true
	_ = cmd.Process.Release() // reap waits for it
	if !children.reaping {
		children.reaping = true
		go reap()
	}
	return p, nil
}

// reap waits for every child. It ends when there are none.
func reap() {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		children.mu.Lock()
		switch p := children.leaders[pid]; {
		case err == syscall.ECHILD && len(children.leaders) == 0:
			children.reaping = false
			children.mu.Unlock()
			return
		case err == nil && p != nil:
			delete(children.leaders, pid)
			p.status = status
			close(p.exited)
		}
		children.mu.Unlock()
	}
}

// Kill sends SIGKILL to the groups of all running commands, before this process ends
// without waiting for them.
func Kill() {
	children.mu.Lock()
	defer children.mu.Unlock()
	for group := range children.groups {
		_ = unix.Kill(-group, syscall.SIGKILL) // it may have ended
	}
}

const (
	// endWait is how long a process group has after SIGTERM until SIGKILL is sent,
	// and how long waitForGroup waits after SIGKILL.
	endWait = time.Second
	// groupLook is the longest pause between two checks of a group that has outlived
	// its leader: no event reports a process that leaves the group by setsid(2).
	groupLook = 100 * time.Millisecond
)

// waitForGroup waits until all processes of the group have ended, and returns an error
// if the command failed. When ctx ends, it kills the group, and returns within two
// endWait.
func (p *process) waitForGroup(ctx context.Context) error {
	defer func() {
		children.mu.Lock()
		defer children.mu.Unlock()
		delete(children.groups, p.pid)
	}()
	if p.ends(ctx) {
		return p.failure()
	}
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		_ = unix.Kill(-p.pid, s) // it may have ended
		limit, cancel := context.WithTimeout(context.Background(), endWait)
		defer cancel()
		if p.ends(limit) {
			return p.failure()
		}
	}
	return errors.New("still running after SIGKILL")
}

// ends waits until no process is left in the group. It returns false if ctx ends
// earlier.
func (p *process) ends(ctx context.Context) bool {
	select {
	case <-p.exited:
	case <-ctx.Done():
		return false
	}
	for pause := time.Millisecond; unix.Kill(-p.pid, 0) != unix.ESRCH; pause = min(2*pause, groupLook) {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// failure returns an error if the leader failed, else nil.
func (p *process) failure() error {
	switch {
	case p.status.Signaled():
		return fmt.Errorf("signal: %v", p.status.Signal())
	case p.status.ExitStatus() != 0:
		return fmt.Errorf("exit status %d", p.status.ExitStatus())
	}
	return nil
}
