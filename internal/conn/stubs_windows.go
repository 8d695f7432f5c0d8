package conn

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"unsafe"

	"gcat/internal/errno"

	"golang.org/x/sys/windows"
)

// maxPath is how many bytes of a path fit in sockaddr_un beside the NUL.
const maxPath = 107

// Windows has none of these. Its SO_REUSEADDR would let two sockets have one port.
func setBacklog(net.Listener, int) error     { return syscall.EWINDOWS }
func setMode(syscall.RawConn, fs.FileMode)   {}
func lockDirectory(string) (unlock func())   { return func() {} }
func reuseAddress(syscall.RawConn)           {}
func closeOnExec(int)                        {}
func inherited(int) bool                     { return false }
func freePath() string                       { return "" }
func connectPath(syscall.Conn, string) error { return syscall.EAFNOSUPPORT }
func (s *Stdio) init()                       {}

var errNoPass = &Error{Why: Local, Op: "standard output", Err: errors.New("descriptors cannot be handed over on this system")}

// Descriptors cannot be passed here.
func CanPass() error                    { return errNoPass }
func Pass(net.Conn) error               { return errNoPass }
func SocketOf(*os.File) (Handed, error) { return Handed{}, syscall.ENOTSOCK }

// Windows has no poll(2) for these questions. A wait by the RawConn would spin
// once there is data or an end of file to read.
func (s *Socket) Gone() error            { return errors.ErrUnsupported }
func (s *Socket) IsGone() bool           { return false }
func ReadyToRead(syscall.RawConn) bool   { return false }
func (s *Stdio) ready() bool             { return false }
func (s *Stdio) readable() int           { return 0 }
func (s *Stdio) KeepsBounds() bool       { return false }
func pendingError(syscall.RawConn) error { return nil }
func (s *Stdio) Gone() error             { return nil }
func (s *Stdio) stopWatch()              {}

// writeChunk bounds how long one write can go without touching the clock.
const writeChunk = 16 << 10

type writer struct{}

// writeAll writes p in chunks.
func (s *Socket) writeAll(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = s.Conn.Write(p[n:min(n+writeChunk, len(p))])
		n += m
		s.progress.Touch()
	}
	return n, errno.Posix(err)
}

// fionread is FIONREAD of winsock2.h.
const fionread = 0x4004667f

// readable returns how many bytes can be read without waiting.
func (s *Socket) readable() int {
	var n, size uint32
	_ = s.raw.Control(func(fd uintptr) {
		_ = windows.WSAIoctl(windows.Handle(fd), fionread, nil, 0, (*byte)(unsafe.Pointer(&n)), 4, &size, nil, 0)
	})
	return int(n)
}

// duplicate returns another handle of the same open file.
func duplicate(f *os.File) (*os.File, error) {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return nil, err
	}
	var h syscall.Handle
	err = syscall.DuplicateHandle(self, syscall.Handle(f.Fd()), self, &h, 0, false, syscall.DUPLICATE_SAME_ACCESS)
	return os.NewFile(uintptr(h), f.Name()), err
}

func (s *Stdio) Read(p []byte) (int, error) {
	n, err := cmp.Or(s.In, os.Stdin).Read(p)
	if err != nil && err != io.EOF {
		err = InputError(err)
	}
	return n, err
}

func (s *Stdio) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := cmp.Or(s.Out, os.Stdout).Write(p)
	s.progress.Touch()
	return n, outputError(err)
}

// endOutput closes standard output.
func (s *Stdio) endOutput() error { return cmp.Or(s.Out, os.Stdout).Close() }
