//go:build !(linux || darwin || freebsd || openbsd || netbsd || dragonfly)

package main

import "os"

// There is no signal to ask by.
var countSignals []os.Signal
