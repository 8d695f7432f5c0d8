package conn

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// bindAnywhere gives a Unix datagram socket a name of the kernel's choice, so
// that it can be answered (autobind, unix(7)): an abstract one, which leaves no
// file behind however the process ends. The path of the file to remove is empty.
func bindAnywhere(c syscall.RawConn) (path string, err error) {
	if e := c.Control(func(fd uintptr) { err = unix.Bind(int(fd), &unix.SockaddrUnix{}) }); e != nil {
		err = e
	}
	return "", err
}
