package cli

import (
	"os"
	"os/signal"
)

// Catch makes each of signals that comes a call of handle, one call at a time,
// instead of what the signal does to a process otherwise. Signals that were
// ignored when the command began (nohup, a background job of sh) stay ignored.
// Two of one kind that come close together may be one call. It is called once in
// a process, and holds until its end.
func Catch(handle func(os.Signal), signals ...os.Signal) {
	heeded := make([]os.Signal, 0, len(signals))
	for _, s := range signals {
		if !signal.Ignored(s) {
			heeded = append(heeded, s)
		}
	}
	if len(heeded) > 0 && !intercept(handle, heeded) {
		notify(handle, heeded)
	}
}

// notify catches by os/signal.
func notify(handle func(os.Signal), signals []os.Signal) {
	caught := make(chan os.Signal, 4)
	signal.Notify(caught, signals...)
	go func() { // ends with the process
		for s := range caught {
			handle(s)
		}
	}()
}
