package cli

import (
	"os"
	"syscall"
	"time"
)

// DieOf ends the process with the status that a Unix shell reports for sig.
func DieOf(sig os.Signal) {
	standardError.flush()
	os.Exit(128 + int(sig.(syscall.Signal)))
}

// Stop does nothing on this system.
func Stop() {}

// DieSilently does nothing on this system.
func DieSilently(...os.Signal) {}

// ReportSignals and Unused are empty: this system has no such signal.
var ReportSignals, Unused []os.Signal

func sleep(d time.Duration) { time.Sleep(d) }

func writeStderr(p []byte) (int, error) { return os.Stderr.Write(p) }
