//go:build amd64 || arm64

package cli

import (
	"os"
	"sync/atomic"
	"syscall"
)

// What handle, a signal handler in assembly, has to know: it notes the number of
// the signal in caught, and adds one to event, an eventfd(2) that the runtime's
// poller waits for together with the sockets.
var (
	caught [65]uint32
	event  int32
)

// handlers returns the addresses of handle, as rt_sigaction(2) wants it, and of its
// way back, rt_sigreturn(2).
func handlers() (handle, restore uintptr)

// intercept catches by a handler of our own, because os/signal takes an eighth of
// a short run: it starts three threads, to two of which it hands over and back for
// each signal. It reports whether that is possible.
func intercept(handle func(os.Signal), signals []os.Signal) bool {
	const restorer, onStack, restart = 0x04000000, 0x08000000, 0x10000000 // SA_
	fd, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if errno != 0 {
		return false
	}
	event = int32(fd)
	ours := action{flags: restorer | onStack | restart, mask: ^uint64(0)}
	ours.handler, ours.restorer = handlers()
	for _, s := range signals {
		ours.set(s.(syscall.Signal))
	}
	go handleCaught(os.NewFile(uintptr(event), "signals"), handle, signals)
	return true
}

// handleCaught calls handle for what was caught, whenever events says that
// something was. It ends with the process.
func handleCaught(events *os.File, handle func(os.Signal), signals []os.Signal) {
	var count [8]byte
	for {
		if _, err := events.Read(count[:]); err != nil {
			return
		}
		for _, s := range signals {
			if atomic.SwapUint32(&caught[s.(syscall.Signal)], 0) != 0 {
				handle(s)
			}
		}
	}
}
