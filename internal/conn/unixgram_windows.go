package conn

import "syscall"

// bindAnywhere is not needed: there are no Unix datagram sockets here.
func bindAnywhere(syscall.RawConn) (path string, err error) { return "", syscall.EAFNOSUPPORT }
