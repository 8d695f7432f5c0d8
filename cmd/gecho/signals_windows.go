package main

import (
	"os"
	"os/signal"
)

// watchSignals calls handle for each signal that ends the server, until the
// function it returns is called.
func watchSignals(handle func(os.Signal)) (stop func()) {
	ch := make(chan os.Signal, 4)
	signal.Notify(ch, os.Interrupt)
	go func() { // ends when ch is closed
		for sig := range ch {
			handle(sig)
		}
	}()
	return func() { signal.Stop(ch); close(ch) }
}

// isStatus reports whether sig asks for the totals; there is no such signal.
func isStatus(os.Signal) bool { return false }
