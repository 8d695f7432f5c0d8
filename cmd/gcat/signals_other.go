//go:build !(linux || darwin || freebsd || openbsd || netbsd || dragonfly)

package main

import "os"

// countSignals is empty: this system has no such signal.
var countSignals []os.Signal
