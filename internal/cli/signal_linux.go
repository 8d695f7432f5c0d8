package cli

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// DieOf ends the process by sig, as a command ends that does not catch it, so
// that the shell sees 128+sig and a calling script stops. It does not return.
func DieOf(sig os.Signal) {
	s, ok := sig.(syscall.Signal)
	if !ok {
		os.Exit(Local)
	}
	standardError.flush()
	// The Go runtime never gives SIGPIPE back to the kernel, not even after
	// signal.Reset.
	signal.Reset(s)
	setAction(s, new(action), nil)
	unblock := uint64(1) << (s - 1)
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, 1 /* SIG_UNBLOCK */, uintptr(unsafe.Pointer(&unblock)), 0, maskSize, 0, 0)
	_ = syscall.Kill(syscall.Getpid(), s)
	select {} // the signal is on its way
}

// Stop stops the process as SIGTSTP stops one that does not catch it, and returns
// when it is continued, or at once if no process would continue it (an orphaned
// process group). Sent to the calling thread, the signal takes effect before the
// call returns. The Go runtime never gives it back to the kernel: for a moment its
// handler is replaced.
func Stop() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before action
	setAction(syscall.SIGTSTP, new(action), &before)
	_ = syscall.Tgkill(syscall.Getpid(), syscall.Gettid(), syscall.SIGTSTP)
	setAction(syscall.SIGTSTP, &before, nil)
}

// An action is a struct sigaction of rt_sigaction(2), with room to spare; the zero
// value is SIG_DFL.
type action [8]uint64

const maskSize = 8 // of a set of signals

// setAction makes to the action of sig, and returns what it was in from.
func setAction(sig syscall.Signal, to, from *action) {
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(from)), maskSize, 0, 0)
}

// DieSilently makes signals that a command has no use for end it as they end
// any other. For some of them the Go runtime would print the stacks of all
// goroutines; others it would swallow. They cannot be caught any more.
func DieSilently(signals ...syscall.Signal) {
	for _, s := range signals {
		setAction(s, new(action), nil)
	}
}

// ReportSignals are the signals that ask a command for its counts so far.
var ReportSignals = []os.Signal{syscall.SIGUSR1}

// useless are the signals that no command has a use for.
var useless = []syscall.Signal{syscall.SIGABRT, syscall.SIGALRM, syscall.SIGUSR2}

// sleep is [time.Sleep] without the runtime's timers.
func sleep(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // a signal may end it early
}
