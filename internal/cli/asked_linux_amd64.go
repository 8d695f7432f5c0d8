package cli

import (
	"os"
	"syscall"
)

// OnSignal calls f whenever one of signals comes; those that come close together
// may be one call. It never stops, and a process can ask for it once.
//
// Package os/signal needs three threads for that, from which the kernel takes a
// twentieth of a short run to make and to end. This handler (asked_linux_amd64.s)
// adds to an eventfd(2), for which the runtime's poller waits anyhow.
func OnSignal(f func(), signals ...os.Signal) {
	const closeOnExec, nonBlocking = syscall.O_CLOEXEC, syscall.O_NONBLOCK // EFD_CLOEXEC, EFD_NONBLOCK
	fd, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, closeOnExec|nonBlocking, 0)
	if errno != 0 {
		notify(f, signals) // no descriptor left
		return
	}
	asked = uint64(fd)
	events := os.NewFile(fd, "signals") // open for as long as the handler is in force
	go func() {                         // ends with the process
		var count [8]byte
		for {
			if _, err := events.Read(count[:]); err != nil {
				notify(f, signals)
				return
			}
			f()
		}
	}()
	const restart, onStack, restorer = 0x10000000, 0x08000000, 0x04000000 // SA_RESTART, SA_ONSTACK, SA_RESTORER
	for _, s := range signals {
		setAction(s.(syscall.Signal), sigaction{
			handler: caught, flags: restart | onStack | restorer, restorer: giveBack, mask: ^uint64(0),
		})
	}
}

// asked is the eventfd to which the handler adds one.
//
//lint:ignore U1000 the handler reads them
var asked, one uint64 = 0, 1

// Where the handler is, and what follows it (asked_linux_amd64.s).
var caught, giveBack uintptr
