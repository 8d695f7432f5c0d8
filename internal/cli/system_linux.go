package cli

import (
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// uncatch lets DieOf die of s: the Go runtime keeps its handler of SIGPIPE even after
// signal.Reset, and s may be blocked.
func uncatch(s syscall.Signal) {
	setAction(s, new(action), nil)
	unblock := uint64(1) << (s - 1)
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, 1 /* SIG_UNBLOCK */, uintptr(unsafe.Pointer(&unblock)), 0, maskSize, 0, 0)
}

// Stop stops the process as SIGTSTP does if it is not caught, and returns when the
// process is continued, or at once if no process could continue it (an orphaned process
// group). The Go runtime keeps its handler of SIGTSTP: it is replaced during the call.
// The signal is sent to the calling thread, and so takes effect before tgkill returns.
func Stop() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before action
	setAction(syscall.SIGTSTP, new(action), &before)
	_ = syscall.Tgkill(syscall.Getpid(), syscall.Gettid(), syscall.SIGTSTP)
	setAction(syscall.SIGTSTP, &before, nil)
}

// An action is a struct sigaction of rt_sigaction(2), or longer; the zero value is
// SIG_DFL.
type action [8]uint64

const maskSize = 8 // of a signal set, in bytes

// setAction sets the action of sig to to, and stores the previous one in from.
func setAction(sig syscall.Signal, to, from *action) {
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(from)), maskSize, 0, 0)
}

// DieSilently gives signals their default action. For some, the Go runtime would print
// the stacks of all goroutines; others it would ignore. [Catch] no longer catches them.
func DieSilently(signals ...os.Signal) {
	for _, s := range signals {
		setAction(s.(syscall.Signal), new(action), nil)
	}
}

// ReportSignals are the signals that ask a command for its counts so far.
var ReportSignals = []os.Signal{syscall.SIGUSR1}

// sleep is [time.Sleep] without the runtime's timers.
func sleep(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // a signal may end it early
}
