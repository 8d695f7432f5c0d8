//go:build unix && !linux

package conn

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	msgNoSignal = 0
	msgTrunc    = unix.MSG_TRUNC // the flag of a message that was cut (recvmsg(2))
	hangsUp     = 0
	fionread    = 0x4004667f // FIONREAD of sys/filio.h
)

// writeNoWait is not supported here.
func writeNoWait(int, []byte) (int, error) { return 0, errors.ErrUnsupported }

func dup2(from, to int) error { return unix.Dup2(from, to) }

// bindAnywhere gives a Unix datagram socket a path of its own, so that it can be
// answered, and returns the path.
func bindAnywhere(c syscall.RawConn) (path string, err error) {
	path = filepath.Join(os.TempDir(), "gcat-"+rand.Text())
	restore := maskMode(0o600)
	defer restore()
	if e := c.Control(func(fd uintptr) { err = unix.Bind(int(fd), &unix.SockaddrUnix{Name: path}) }); e != nil {
		err = e
	}
	return path, err
}
