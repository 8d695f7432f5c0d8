//go:build !linux

package conn

import (
	"fmt"
	"runtime"
	"syscall"
)

// set refuses what is only done on Linux.
func (o *SocketOptions) set(network string, fd uintptr) error {
	return &Error{Why: Unsupported, Err: fmt.Errorf("socket options are not set on %s", runtime.GOOS)}
}

// reuseAddress is left to the system here.
func reuseAddress(syscall.RawConn) {}
