package cli

import (
	"os"
	"os/signal"
)

// notify is [OnSignal] by the runtime's means.
func notify(f func(), signals []os.Signal) {
	if len(signals) == 0 {
		return // none are all of them to signal.Notify
	}
	came := make(chan os.Signal, 1)
	signal.Notify(came, signals...)
	go func() { // ends with the process
		for range came {
			f()
		}
	}()
}
