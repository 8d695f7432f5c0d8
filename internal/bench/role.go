//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// The descriptors of a role beyond its standard streams.
const (
	reportFd = 3 // where it tells how it went
	socketFd = 4 // the listening socket of a role that accepts
)

// A Helper is bench itself at the other end of what is measured, in a process of
// its own: a role.
type Helper struct {
	cmd    *exec.Cmd
	report *os.File
}

// A Report is what a role tells: when its part began and ended, on the clock
// that all processes share (CLOCK_MONOTONIC, nanoseconds), and how many bytes or
// rounds it saw.
type Report struct{ Start, End, Count int64 }

// StartHelper starts a role with the given standard streams; listener, if any,
// is the socket it accepts from.
func StartHelper(ctx context.Context, stdin, stdout, listener *os.File, args ...string) (*Helper, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	h := &Helper{cmd: exec.CommandContext(ctx, "/proc/self/exe", append([]string{"role"}, args...)...), report: r}
	if stdin != nil {
		h.cmd.Stdin = stdin
	}
	if stdout != nil {
		h.cmd.Stdout = stdout
	}
	h.cmd.Stderr = os.Stderr
	h.cmd.ExtraFiles = []*os.File{w}
	if listener != nil {
		h.cmd.ExtraFiles = append(h.cmd.ExtraFiles, listener)
	}
	if err := h.cmd.Start(); err != nil {
		r.Close()
		return nil, err
	}
	return h, nil
}

// Report waits for the role's report, for at most limit.
func (h *Helper) Report(limit time.Duration) (Report, error) {
	defer h.report.Close()
	if err := h.report.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return Report{}, err
	}
	var r Report
	if _, err := fmt.Fscan(h.report, &r.Start, &r.End, &r.Count); err != nil {
		return Report{}, fmt.Errorf("%s: %w", h.cmd.Args[2], errTooLong)
	}
	return r, nil
}

// End ends the helper, which may have ended already.
func (h *Helper) End() {
	_ = h.report.Close()
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
}

// roles are what a helper can be; each gets its arguments and returns its
// report.
var roles = map[string]func(args []string) (Report, error){
	"sink":   sink,
	"send":   send,
	"source": source,
	"pour":   pour,
	"drain":  drain,
	"echo":   echo,
	"ping":   ping,
	"answer": answer,
}

// play is "bench role NAME ARG...".
func play(args []string) {
	role, ok := roles[args[0]]
	if !ok {
		fail(fmt.Errorf("no role %q", args[0]))
	}
	heard := isHeard()
	if heard {
		go untilAlone()
	}
	r, err := role(args[1:])
	if err != nil {
		fail(fmt.Errorf("%s: %w", args[0], err))
	}
	if !heard {
		return
	}
	report := os.NewFile(reportFd, "report")
	fmt.Fprintln(report, r.Start, r.End, r.Count)
}

// isHeard reports whether a report is wanted: it is not of a role that stands
// in a tool's place.
func isHeard() bool {
	var st unix.Stat_t
	return unix.Fstat(reportFd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
}

// untilAlone ends a role whose output has no reader left: the process that started it has
// gone, or wants no report any more.
func untilAlone() {
	poll := []unix.PollFd{{Fd: reportFd}}
	for {
		if n, err := unix.Poll(poll, -1); n > 0 && err == nil {
			os.Exit(0)
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "bench role", err)
	os.Exit(1)
}

// now is the time on the clock that all processes share.
func now() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return t.Nano()
}

// connection is the socket of a role: accepted from the listener that was handed
// on if args are "accept", dialled if they are "dial tcp PORT" or "dial unix
// PATH", once there is a listener.
func connection(args []string) (int, error) {
	if args[0] == "accept" {
		fd, _, err := unix.Accept4(socketFd, unix.SOCK_CLOEXEC)
		return fd, err
	}
	domain, to := unix.AF_UNIX, unix.Sockaddr(&unix.SockaddrUnix{Name: args[2]})
	if args[1] == "tcp" {
		port, err := strconv.Atoi(args[2])
		if err != nil {
			return -1, err
		}
		domain, to = unix.AF_INET, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	}
	for {
		fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return -1, err
		}
		err = unix.Connect(fd, to)
		if err != unix.ECONNREFUSED && err != unix.ENOENT {
			return fd, err
		}
		_ = unix.Close(fd) // no listener yet
		time.Sleep(time.Millisecond)
	}
}

// retry repeats a system call that a signal has interrupted.
func retry(call func() (int64, error)) (int64, error) {
	for {
		if n, err := call(); err != unix.EINTR {
			return n, err
		}
	}
}
