package conn

import (
	"io/fs"
	"net"
	"syscall"
)

// maxPath is how many bytes of a path fit in sockaddr_un beside the NUL.
const maxPath = 107

func setBacklog(net.Listener, int) error { return syscall.EWINDOWS }

func setMode(syscall.RawConn, fs.FileMode) {}

func maskMode(fs.FileMode) (restore func()) { return func() {} }

func lockDirectory(string) (unlock func()) { return func() {} }
