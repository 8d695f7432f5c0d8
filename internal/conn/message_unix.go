//go:build unix

package conn

import "syscall"

// msgTrunc is the flag of a message that was cut (recvmsg(2)).
const msgTrunc = syscall.MSG_TRUNC
