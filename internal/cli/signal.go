package cli

import (
	"os"
	"os/signal"
)

// Catch calls handle, one call at a time, for each of signals, in place of its
// default action. Signals that were ignored when the command began (nohup, a
// background job of sh) stay ignored, as far as a Go program can know: the runtime
// keeps HUP and INT ignored and catches the others before any of our code runs. It
// is called once in a process, and holds until its end.
func Catch(handle func(os.Signal), signals ...os.Signal) {
	wanted := make([]os.Signal, 0, len(signals)) // Notify takes none for all
	for _, s := range signals {
		if !signal.Ignored(s) {
			wanted = append(wanted, s)
		}
	}
	if len(wanted) == 0 {
		return
	}
	caught := make(chan os.Signal, 4)
	signal.Notify(caught, wanted...)
	go func() { // ends with the process
		for s := range caught {
			handle(s)
		}
	}()
}
