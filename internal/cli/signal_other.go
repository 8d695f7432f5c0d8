//go:build unix && !linux

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// DieOf ends the process by sig, as a command ends that does not catch it, so
// that the shell sees 128+sig and a calling script stops. It does not return.
func DieOf(sig os.Signal) {
	s, ok := sig.(syscall.Signal)
	if !ok {
		os.Exit(Local)
	}
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

// DieSilently makes signals that a command has no use for end it as they end
// any other. For some of them the Go runtime would print the stacks of all
// goroutines, which are no business of whoever sits at the terminal; others it
// would swallow.
func DieSilently(signals ...syscall.Signal) {
	caught := make(chan os.Signal, 1)
	for _, s := range signals {
		signal.Notify(caught, s)
	}
	go func() { DieOf(<-caught) }() // ends with the process
}

// useless are the signals that no command has a use for.
var useless = []syscall.Signal{syscall.SIGABRT, syscall.SIGALRM, syscall.SIGUSR2}
