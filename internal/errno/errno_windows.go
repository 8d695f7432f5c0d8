package errno

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// posix has the numbers of Winsock and Windows that mean what a POSIX errno means.
// The syscall package has the errnos and their words, but no call returns them.
var posix = map[syscall.Errno]syscall.Errno{
	syscall.ERROR_FILE_NOT_FOUND: syscall.ENOENT,
	syscall.ERROR_PATH_NOT_FOUND: syscall.ENOENT,
	syscall.ERROR_ACCESS_DENIED:  syscall.EACCES,
	6:                            syscall.EBADF,      // ERROR_INVALID_HANDLE
	32:                           syscall.EBUSY,      // ERROR_SHARING_VIOLATION
	39:                           syscall.ENOSPC,     // ERROR_HANDLE_DISK_FULL
	64:                           syscall.ECONNRESET, // ERROR_NETNAME_DELETED
	syscall.ERROR_BROKEN_PIPE:    syscall.EPIPE,
	112:                          syscall.ENOSPC,    // ERROR_DISK_FULL
	121:                          syscall.ETIMEDOUT, // ERROR_SEM_TIMEOUT
	232:                          syscall.EPIPE,     // ERROR_NO_DATA: the pipe is being closed
	1225:                         syscall.ECONNREFUSED,
	1231:                         syscall.ENETUNREACH,
	1232:                         syscall.EHOSTUNREACH,
	syscall.WSAEACCES:            syscall.EACCES,
	10022:                        syscall.EINVAL,
	10024:                        syscall.EMFILE,
	10038:                        syscall.ENOTSOCK,
	10040:                        syscall.EMSGSIZE,
	10041:                        syscall.EPROTOTYPE,
	10042:                        syscall.ENOPROTOOPT,
	10043:                        syscall.EPROTONOSUPPORT,
	10045:                        syscall.EOPNOTSUPP,
	10047:                        syscall.EAFNOSUPPORT,
	10048:                        syscall.EADDRINUSE,
	10049:                        syscall.EADDRNOTAVAIL,
	10050:                        syscall.ENETDOWN,
	10051:                        syscall.ENETUNREACH,
	syscall.WSAECONNABORTED:      syscall.ECONNABORTED,
	syscall.WSAECONNRESET:        syscall.ECONNRESET,
	10055:                        syscall.ENOBUFS,
	10057:                        syscall.ENOTCONN,
	10058:                        syscall.EPIPE, // WSAESHUTDOWN
	10060:                        syscall.ETIMEDOUT,
	10061:                        syscall.ECONNREFUSED,
	10065:                        syscall.EHOSTUNREACH,
}

// Posix returns err with the POSIX errno in place of the number of Windows, so that
// [errors.Is] finds it and its words are those of the other systems. It changes the
// error in which the number stands. Numbers that POSIX does not know stay.
func Posix(err error) error {
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		call.Err = translated(call.Err)
		return err
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		path.Err = translated(path.Err)
		return err
	}
	return translated(err)
}

func translated(err error) error {
	if number, ok := err.(syscall.Errno); ok {
		return cmp.Or(posix[number], number)
	}
	return err
}

// Words returns the system's words for number, which in Windows are a sentence, as
// the other systems have theirs: lower case, no full stop.
func Words(number syscall.Errno) string {
	words := strings.TrimSuffix(number.Error(), ".") // never empty
	return strings.ToLower(words[:1]) + words[1:]
}
