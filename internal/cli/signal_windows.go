package cli

import (
	"os"
	"syscall"
)

// DieOf ends the process with the status that a shell reports for sig; there
// are no signals to die of here.
func DieOf(sig os.Signal) {
	if s, ok := sig.(syscall.Signal); ok {
		os.Exit(128 + int(s))
	}
	os.Exit(Local)
}

// DieSilently has nothing to do here.
func DieSilently(...syscall.Signal) {}

var useless []syscall.Signal
