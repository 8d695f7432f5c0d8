//go:build !linux

package conn

import (
	"fmt"
	"runtime"
	"syscall"
)

// set refuses what is only done on Linux.
func (o *SocketOptions) set(network string, fd uintptr) error {
	if o.none() {
		return nil
	}
	return &Error{Why: Unsupported, Err: fmt.Errorf("socket options are not set on %s", runtime.GOOS)}
}

// setCongestion refuses what was asked for by name.
func setCongestion(fd uintptr, name string, asked bool) error {
	if !asked {
		return nil
	}
	return &Error{Why: Unsupported, Op: fmt.Sprintf("congestion control %q", name), Err: syscall.ENOPROTOOPT}
}

// reuseAddress is left to the system here.
func reuseAddress(syscall.RawConn) {}
