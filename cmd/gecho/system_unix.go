//go:build unix

package main

import (
	"os"
	"syscall"
)

// stopping are the signals that end the server.
var stopping = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// asking are those that ask for the totals.
var asking = []os.Signal{syscall.SIGUSR1}

const nonBlocking = syscall.O_NONBLOCK
