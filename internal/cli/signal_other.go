//go:build unix && !linux

package cli

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// DieOf ends the process by sig, as if sig were not caught: the shell reports 128+sig,
// and a calling script stops. It does not return.
func DieOf(sig os.Signal) {
	s, ok := sig.(syscall.Signal)
	if !ok {
		os.Exit(Local)
	}
	standardError.flush()
	if s == syscall.SIGPIPE {
		// The Go runtime keeps SIGPIPE, but dies of it itself when a write to
		// descriptor 1 fails with EPIPE.
		_, _ = os.Stdout.Write([]byte{'\n'})
		os.Exit(128 + int(s))
	}
	signal.Reset(s)
	_ = syscall.Kill(syscall.Getpid(), s)
	select {} // the signal is on its way
}

// Stop stops the process by SIGSTOP, because the Go runtime keeps its handler of
// SIGTSTP. It returns when the process is continued.
func Stop() {
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	select {
	case <-continued:
	case <-time.After(100 * time.Millisecond): // SIGSTOP may take effect a moment later
	}
}

// DieSilently gives signals their default action. For some, the Go runtime would print
// the stacks of all goroutines; others it would ignore.
func DieSilently(signals ...syscall.Signal) {
	caught := make(chan os.Signal, 1)
	for _, s := range signals {
		signal.Notify(caught, s)
	}
	go func() { DieOf(<-caught) }() // ends with the process
}

// ReportSignals are the signals that ask a command for its counts so far.
var ReportSignals = []os.Signal{syscall.SIGUSR1, syscall.SIGINFO}

// unused are the signals that no command uses.
var unused = []syscall.Signal{syscall.SIGABRT, syscall.SIGALRM, syscall.SIGUSR2}

func sleep(d time.Duration) { time.Sleep(d) }
