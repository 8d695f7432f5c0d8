package tty

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stopSelf stops the process by SIGTSTP. Sent to the calling thread, the signal
// takes effect before the call returns. The Go runtime never gives the signal
// back to the kernel, not even after signal.Reset: for a moment its handler is
// replaced by the default action, by rt_sigaction(2).
func stopSelf(chan os.Signal) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var standard, ours [8]uint64 // a struct sigaction, with room to spare
	const maskSize = 8
	swap := func(to, from *[8]uint64) {
		unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGTSTP), uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(from)), maskSize, 0, 0)
	}
	swap(&standard, &ours)
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGTSTP)
	swap(&ours, nil)
}
