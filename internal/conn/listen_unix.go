//go:build unix

package conn

import (
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxPath is how many bytes of a path fit in sockaddr_un beside the NUL.
const maxPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// setBacklog calls listen(2) once more: the second call changes the queue.
func setBacklog(l net.Listener, n int) (err error) {
	if e := rawConn(l).Control(func(fd uintptr) { err = unix.Listen(int(fd), n) }); e != nil {
		return e
	}
	return err
}

// connectPath connects a Unix socket that is bound.
func connectPath(c syscall.Conn, path string) (err error) {
	if e := rawConn(c).Control(func(fd uintptr) { err = unix.Connect(int(fd), &unix.SockaddrUnix{Name: path}) }); e != nil {
		err = e
	}
	return err
}

// setMode gives the socket its mode before bind(2) makes the file, so that no other user
// can connect in between. Linux alone does that.
func setMode(c syscall.RawConn, mode fs.FileMode) {
	_ = c.Control(func(fd uintptr) { _ = unix.Fchmod(int(fd), uint32(mode.Perm())) })
}

// lockDirectory locks a directory (flock(2)) until unlock is called; a lock file would
// be left behind. It goes on without the lock if the directory cannot be read, or if
// another process keeps it locked for longer than lockMost.
func lockDirectory(path string) (unlock func()) {
	f, err := os.Open(path)
	if err != nil {
		return func() {}
	}
	for end := time.Now().Add(lockMost); time.Now().Before(end); time.Sleep(lockPause) {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != unix.EWOULDBLOCK && err != unix.EINTR {
			break
		}
	}
	return func() { _ = f.Close() }
}
