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
	// signal.Reset.
	signal.Reset(s)
	setDefault(s)
	unblock := uint64(1) << (s - 1)
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, 1 /* SIG_UNBLOCK */, uintptr(unsafe.Pointer(&unblock)), 0, 8, 0, 0)
	_ = syscall.Kill(syscall.Getpid(), s)
	select {} // the signal is on its way
}

// An action is what a signal does (rt_sigaction(2)); the zero value is SIG_DFL.
type action struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

// set makes a the action of sig.
func (a *action) set(sig syscall.Signal) {
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(a)), 0, unsafe.Sizeof(a.mask), 0, 0)
}

// setDefault gives sig back to the kernel.
func setDefault(sig syscall.Signal) { new(action).set(sig) }

// DieSilently makes signals that a command has no use for end it as they end
// any other. For some of them the Go runtime would print the stacks of all
// goroutines, which are no business of whoever sits at the terminal; others it
// would swallow. They cannot be caught any more.
func DieSilently(signals ...syscall.Signal) {
	for _, s := range signals {
		setDefault(s)
	}
}

// useless are the signals that no command has a use for.
var useless = []syscall.Signal{syscall.SIGABRT, syscall.SIGALRM, syscall.SIGUSR2}
