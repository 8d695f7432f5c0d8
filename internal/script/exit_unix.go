//go:build unix

package script

import (
	"os/exec"
	"syscall"
)

// exitStatus is what a shell would call the status.
func exitStatus(e *exec.ExitError) int {
	if ws, ok := e.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return e.ExitCode()
}
