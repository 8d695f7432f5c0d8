//go:build unix && !linux

package tty

import (
	"os"
	"syscall"
	"time"
)

// stopSelf stops the process by SIGSTOP: the Go runtime never gives SIGTSTP back
// to the kernel. It may take effect a moment later: the call returns when the
// process is continued.
func stopSelf(jobs chan os.Signal) {
	_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	late := time.After(100 * time.Millisecond)
	for {
		select {
		case s := <-jobs:
			if s == syscall.SIGCONT {
				return
			}
		case <-late:
			return
		}
	}
}
