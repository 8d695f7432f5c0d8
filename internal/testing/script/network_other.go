//go:build !linux

package script

import "os/exec"

// OwnNetwork does nothing here.
func OwnNetwork(*exec.Cmd) {}

// LoopbackUp does nothing here.
const LoopbackUp = ""
