package cli

import (
	"os"
	"os/signal"
	"syscall"
	"unsafe"
)

// DieOf ends the process by sig, as a command ends that does not catch it, so
// that the shell sees 128+sig and a calling script stops. It does not return.
func DieOf(sig os.Signal) {
	s, ok := sig.(syscall.Signal)
	if !ok {
		os.Exit(Local)
	}
	// The Go runtime never gives SIGPIPE back to the kernel, not even after
	// signal.Reset: set the default action by rt_sigaction(2).
	signal.Reset(s)
	var action struct {
		handler, flags, restorer uintptr
		mask                     uint64
	}
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	unblock := uint64(1) << (s - 1)
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, 1 /* SIG_UNBLOCK */, uintptr(unsafe.Pointer(&unblock)), 0, 8, 0, 0)
	_ = syscall.Kill(syscall.Getpid(), s)
	select {} // the signal is on its way
}
