package main

import (
	"os"
	"syscall"
)

var countSignals = []os.Signal{syscall.SIGUSR1}
