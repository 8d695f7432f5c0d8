package script

import "os/exec"

// exitStatus is what a shell would call the status.
func exitStatus(e *exec.ExitError) int { return e.ExitCode() }

// alone does nothing here.
func alone(*exec.Cmd) {}
