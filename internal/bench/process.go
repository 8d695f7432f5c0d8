//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// patience is how long a program may take for its part of a round: what hangs
// is ended rather than waited for.
const patience = 20 * time.Second

// A Process is a program under measurement.
type Process struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	done   chan struct{}
	peak   int64 // owned by watch until done is closed
}

// Start starts a program with the given standard streams; nil is /dev/null. What
// it writes to standard error is kept for Wait.
func Start(ctx context.Context, argv []string, stdin, stdout *os.File) (*Process, error) {
	p := &Process{done: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, argv[0], argv[1:]...)
	if stdin != nil {
		p.cmd.Stdin = stdin
	}
	if stdout != nil {
		p.cmd.Stdout = stdout
	}
	p.cmd.Stderr = &p.stderr
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.watch()
	return p, nil
}

// watch follows the peak of the resident memory and ends with the process. It
// cannot be asked for afterwards: ru_maxrss of a child begins with its parent's,
// and VmHWM is gone with the process. As it never falls, the last look will do.
func (p *Process) watch() {
	defer close(p.done)
	status := "/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status"
	for pause := time.Millisecond; ; pause = min(2*pause, 8*time.Millisecond) {
		data, err := os.ReadFile(status)
		now := highWater(data)
		if err != nil || now == 0 { // a process that has ended has no memory
			return
		}
		p.peak = now
		time.Sleep(pause)
	}
}

// highWater is VmHWM in bytes, from the text of /proc/PID/status.
func highWater(status []byte) int64 {
	_, rest, found := bytes.Cut(status, []byte("\nVmHWM:"))
	if !found {
		return 0
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(string(line)), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

// Wait waits until the process has ended, for at most limit; one that has not
// is killed, which is no failure: some programs do not know when it is over. It
// returns what the process has used; exited is false if it was killed.
func (p *Process) Wait(limit time.Duration) (used Sample, exited bool, err error) {
	killed := make(chan bool, 1) // false: it had ended just before
	timer := time.AfterFunc(limit, func() { killed <- p.cmd.Process.Kill() == nil })
	err = p.cmd.Wait()
	stopped := timer.Stop()
	<-p.done
	state := p.cmd.ProcessState
	if state == nil {
		return Sample{}, false, err
	}
	used = Sample{CPU: state.UserTime() + state.SystemTime(), Peak: p.peak}
	if !stopped && <-killed {
		return used, false, nil
	}
	if err != nil {
		if said := strings.TrimSpace(p.stderr.String()); said != "" {
			err = fmt.Errorf("%w: %s", err, said)
		}
	}
	return used, true, err
}

// errTooLong is what came of a helper that heard nothing.
var errTooLong = errors.New("took too long")
