package cli

import (
	"context"
	"os"
	"os/signal"
	"slices"
)

// Catch calls handle, one call at a time, for each of signals, in place of its
// default action. SIGHUP and SIGINT stay ignored if they were ignored when the command
// started (nohup, a background job of sh); of other signals the Go runtime does not
// know that. Catch is called once in a process.
func Catch(handle func(os.Signal), signals ...os.Signal) {
	wanted := slices.DeleteFunc(slices.Clone(signals), signal.Ignored)
	if len(wanted) == 0 { // they would be all for Notify
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

// Interruptible calls use, and returns its error, or the cause of ctx if ctx ends first:
// opening, reading or writing a pipe may wait for another process without limit.
func Interruptible(ctx context.Context, use func() error) error {
	used := make(chan error, 1)
	go func() { used <- use() }() // ends with the process if the pipe stays without a peer
	select {
	case err := <-used:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
