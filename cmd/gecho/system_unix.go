//go:build unix

package main

import (
	"os"
	"syscall"
)

// stopping are the signals that end the server.
var stopping = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// asking are the signals that print the totals.
var asking = []os.Signal{syscall.SIGUSR1}

const nonBlocking = syscall.O_NONBLOCK
