//go:build unix && !linux

package conn

import (
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// bindAnywhere gives a Unix datagram socket a path in a directory of its own, so
// that it can be answered, and returns the path.
func bindAnywhere(c syscall.RawConn) (path string, err error) {
	dir, err := os.MkdirTemp("", "gcat-")
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "socket")
	restore := maskMode(0o600)
	defer restore()
	if e := c.Control(func(fd uintptr) { err = unix.Bind(int(fd), &unix.SockaddrUnix{Name: path}) }); e != nil {
		err = e
	}
	if err != nil {
		_ = os.Remove(dir)
	}
	return path, err
}
