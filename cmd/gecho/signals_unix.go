//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// watchSignals calls handle for each signal that ends the server or asks it
// something, until the function it returns is called. Signals that were ignored
// when the process began (nohup, a background job of sh) stay so.
func watchSignals(handle func(os.Signal)) (stop func()) {
	ch := make(chan os.Signal, 4)
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(sig) {
			signal.Notify(ch, sig)
		}
	}
	signal.Notify(ch, syscall.SIGUSR1)
	go func() { // ends when ch is closed
		for sig := range ch {
			handle(sig)
		}
	}()
	return func() { signal.Stop(ch); close(ch) }
}

// isStatus reports whether sig asks for the totals.
func isStatus(sig os.Signal) bool { return sig == syscall.SIGUSR1 }
