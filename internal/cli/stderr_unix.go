//go:build unix

package cli

import (
	"syscall"
	"time"
)

// writeStderr writes to standard error by write(2): [os.File] raises SIGPIPE for
// EPIPE there.
func writeStderr(p []byte) (int, error) {
	for {
		switch n, err := syscall.Write(2, p); err {
		case syscall.EINTR:
		case syscall.EAGAIN: // another process has made it non-blocking
			sleep(10 * time.Millisecond)
		default:
			return n, err
		}
	}
}
