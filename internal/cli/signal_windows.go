package cli

import (
	"os"
	"syscall"
	"time"
)

// DieOf ends the process with the status that a shell reports for sig; there
// are no signals to die of here.
func DieOf(sig os.Signal) {
	standardError.flush()
	if s, ok := sig.(syscall.Signal); ok {
		os.Exit(128 + int(s))
	}
	os.Exit(Local)
}

// Stop has nothing to do here.
func Stop() {}

// DieSilently has nothing to do here.
func DieSilently(...syscall.Signal) {}

// ReportSignals is empty: this system has no such signal.
var ReportSignals []os.Signal

var useless []syscall.Signal

func sleep(d time.Duration) { time.Sleep(d) }
