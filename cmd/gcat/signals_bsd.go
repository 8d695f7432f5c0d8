//go:build darwin || freebsd || openbsd || netbsd || dragonfly

package main

import (
	"os"
	"syscall"
)

var countSignals = []os.Signal{syscall.SIGUSR1, syscall.SIGINFO}
