package conn

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	msgNoSignal = unix.MSG_NOSIGNAL
	hangsUp     = unix.POLLRDHUP
	fionread    = unix.TIOCINQ
)

// writeNoWait writes what a pipe has room for without waiting, although the
// descriptor may be in blocking mode (pwritev2(2), RWF_NOWAIT). Kernels before
// 6.4 cannot do that on pipes: errors.ErrUnsupported.
func writeNoWait(fd int, p []byte) (int, error) {
	vec := unix.Iovec{Base: unsafe.SliceData(p)}
	vec.SetLen(len(p))
	// The offset -1 is the file's current one; it is passed as two words.
	n, _, errno := unix.Syscall6(unix.SYS_PWRITEV2, uintptr(fd), uintptr(unsafe.Pointer(&vec)), 1,
		^uintptr(0), ^uintptr(0), unix.RWF_NOWAIT)
	switch errno {
	case 0:
		return int(n), nil
	case unix.EOPNOTSUPP, unix.ENOSYS, unix.EINVAL:
		return 0, errors.ErrUnsupported
	}
	return 0, errno
}

func dup2(from, to int) error { return unix.Dup3(from, to, 0) }
