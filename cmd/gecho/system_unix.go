//go:build unix

package main

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// stopping are the signals that end the server.
var stopping = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// asking are the signals that print the totals.
var asking = []os.Signal{syscall.SIGUSR1}

const nonBlocking = syscall.O_NONBLOCK

// neverConnected reports whether c has no peer, and not because it was reset.
func neverConnected(c net.Conn) (never bool) {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) { // it fails only on a closed connection
		poll := []unix.PollFd{{Fd: int32(fd)}}
		_, err := unix.Getpeername(int(fd))
		_, _ = unix.Poll(poll, 0) // it does not wait
		never = err == unix.ENOTCONN && poll[0].Revents&unix.POLLERR == 0
	})
	return never
}
