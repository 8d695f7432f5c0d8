//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// DieOf ends the process by sig, as if sig were not caught: the shell reports 128+sig,
// and a calling script stops. It does not return.
func DieOf(sig os.Signal) {
	standardError.flush()
	signal.Reset(sig)
	uncatch(sig.(syscall.Signal))
	_ = syscall.Kill(syscall.Getpid(), sig.(syscall.Signal))
	select {} // the signal is on its way
}

// Unused are the signals that no command uses.
var Unused = []os.Signal{syscall.SIGABRT, syscall.SIGALRM, syscall.SIGUSR2, syscall.SIGXCPU}

// writeStderr writes to standard error by write(2): [os.File] raises SIGPIPE for
// EPIPE there.
func writeStderr(p []byte) (int, error) {
	for {
		switch n, err := syscall.Write(2, p); err {
		case syscall.EINTR:
		case syscall.EAGAIN: // another process has made it non-blocking
			sleep(fullPause)
		default:
			return n, err
		}
	}
}
