//go:build unix && !linux

package cli

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// uncatch lets DieOf die of s. The Go runtime keeps SIGPIPE, but dies of it when a
// write to descriptor 1 fails with EPIPE.
func uncatch(s syscall.Signal) {
	if s == syscall.SIGPIPE {
		_, _ = os.Stdout.Write([]byte{'\n'})
		os.Exit(128 + int(s))
	}
}

// Stop stops the process by SIGSTOP, because the Go runtime keeps its handler of
// SIGTSTP. It returns when the process is continued.
func Stop() {
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	<-continued
}

// DieSilently gives signals, at least one, their default action. For some, the Go
// runtime would print the stacks of all goroutines; others it would ignore.
func DieSilently(signals ...os.Signal) {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, signals...)
	go func() { DieOf(<-caught) }() // ends with the process
}

// ReportSignals are the signals that ask a command for its counts so far.
var ReportSignals = []os.Signal{syscall.SIGUSR1, syscall.SIGINFO}

func sleep(d time.Duration) { time.Sleep(d) }
