//go:build !windows

package errno

import "syscall"

// Posix returns err, whose number is POSIX's already.
func Posix(err error) error { return err }

// Words returns the system's words for number.
func Words(number syscall.Errno) string { return number.Error() }
