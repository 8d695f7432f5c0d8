package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// DieOfQuit makes SIGQUIT end the process as it ends a command that does not
// catch it. The Go runtime would print the stacks of all goroutines, which are
// no business of whoever sits at the terminal. One that was ignored when the
// command started stays ignored.
func DieOfQuit() {
	if signal.Ignored(syscall.SIGQUIT) {
		return
	}
	quit := make(chan os.Signal, 1)
	signal.Notify(quit, syscall.SIGQUIT)
	go func() { DieOf(<-quit) }() // ends with the process
}
