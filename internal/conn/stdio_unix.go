//go:build unix

package conn

import (
	"cmp"
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pipeBuf is how many bytes fit in a pipe that poll(2) calls writable: a page
// (pipe(7), PIPE_BUF).
const pipeBuf = 4096

func (s *Stdio) init() {
	s.once.Do(func() {
		s.in, s.out = descriptor(cmp.Or(s.In, os.Stdin)), descriptor(cmp.Or(s.Out, os.Stdout))
		_, err := unix.IoctlGetInt(s.in, unix.TIOCGPGRP)
		s.jobs = err == nil
		kind, err := unix.GetsockoptInt(s.in, unix.SOL_SOCKET, unix.SO_TYPE)
		s.grams = err == nil && kind == unix.SOCK_DGRAM
		s.outType = fileType(s.out)
	})
}

// fileType is the type of a file (S_IFMT, inode(7)); 0 is none.
func fileType(fd int) uint32 {
	var st unix.Stat_t
	_ = unix.Fstat(fd, &st)
	return uint32(st.Mode) & unix.S_IFMT
}

// descriptor is the descriptor of f. File.Fd would set it to blocking mode.
func descriptor(f *os.File) int {
	fd := -1
	_ = rawConn(f).Control(func(n uintptr) { fd = int(n) })
	return fd
}

// Read reads standard input. If that is not open for reading (after nohup), it returns
// io.EOF.
func (s *Stdio) Read(p []byte) (int, error) {
	s.init()
	for {
		if !s.waitInput() {
			return 0, errStopped
		}
		n, err := unix.Read(s.in, p)
		switch {
		case n > 0:
			return n, nil
		case err == nil && s.grams && !s.shut():
			return 0, nil // an empty datagram
		case err == nil, err == unix.EBADF:
			return 0, io.EOF
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			waitReady(s.in, unix.POLLIN)
		default:
			return 0, InputError(err)
		}
	}
}

// waitInput waits until there is input, and marks it as in flight before it is read: what
// is read after the pump was stopped would be lost. It returns false if the pump was
// stopped.
func (s *Stdio) waitInput() bool {
	if s.flight != nil && !s.flight.end() {
		return false
	}
	switch {
	case s.jobs:
		waitForeground(s.in)
	case s.flight != nil:
		waitReady(s.in, unix.POLLIN)
	}
	return s.flight == nil || s.flight.begin()
}

// Write writes all of p to standard output. On a pipe or a socket it writes as much as
// there is room for and waits for more by poll(2), so that each part counts as progress.
// An empty p is an empty message if standard output keeps the bounds of messages.
func (s *Stdio) Write(p []byte) (n int, err error) {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.part.Store(0)
	for empty := len(p) == 0 && s.KeepsBounds(); n < len(p) || empty; {
		m, err := s.writeSome(p[n:])
		switch {
		case m > 0, err == nil && empty:
			n += m
			s.wrote(n)
			empty = false
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			waitReady(s.out, unix.POLLOUT)
		case err == nil:
			return n, outputError(io.ErrShortWrite)
		default:
			return n, outputError(err)
		}
	}
	return n, nil
}

// writeSome writes a part of p.
func (s *Stdio) writeSome(p []byte) (int, error) {
	switch s.outType {
	case unix.S_IFIFO:
		if n, err := writeNoWait(s.out, p); !errors.Is(err, errors.ErrUnsupported) {
			return n, err
		}
		waitReady(s.out, unix.POLLOUT)
		return unix.Write(s.out, p[:min(len(p), pipeBuf)])
	case unix.S_IFSOCK:
		return unix.SendmsgN(s.out, p, nil, nil, unix.MSG_DONTWAIT|msgNoSignal)
	}
	return unix.Write(s.out, p)
}

// KeepsBounds reports whether each write to standard output is a message.
func (s *Stdio) KeepsBounds() bool {
	s.init()
	kind, err := unix.GetsockoptInt(s.out, unix.SOL_SOCKET, unix.SO_TYPE)
	return err == nil && kind != unix.SOCK_STREAM
}

// waitReady waits until fd is ready for events, or has failed.
func waitReady(fd int, events int16) {
	poll := []unix.PollFd{{Fd: int32(fd), Events: events}}
	for {
		if _, err := unix.Poll(poll, -1); err != unix.EINTR {
			return
		}
	}
}

// waitForeground waits until the controlling terminal fd has input and this process is in
// its foreground. A read in the background would stop the whole process (SIGTTIN,
// termios(3)), receiving included; so would a read that began in the foreground, once
// the process is continued in the background.
func waitForeground(fd int) {
	for {
		waitReady(fd, unix.POLLIN)
		group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		if err != nil || group == unix.Getpgrp() {
			return
		}
		time.Sleep(backgroundPause) // the foreground process reads this input
	}
}

// shut reports whether standard input, a socket, is shut down: then every read returns
// 0 bytes.
func (s *Stdio) shut() bool {
	return pollNow(s.in, hangsUp)&(hangsUp|unix.POLLHUP) != 0
}

// ready reports whether a read of standard input would not have to wait.
func (s *Stdio) ready() bool {
	s.init()
	return pollNow(s.in, unix.POLLIN) != 0
}

// readable returns how many bytes can be read without waiting (FIONREAD): of a file, up to
// its end.
func (s *Stdio) readable() int {
	s.init()
	n, _ := unix.IoctlGetInt(s.in, fionread)
	return max(int(int32(n)), 0)
}

// endOutput takes standard output away from the process, and returns the error of
// closing it.
func (s *Stdio) endOutput() error {
	if s.outType == unix.S_IFSOCK {
		_ = unix.Shutdown(s.out, unix.SHUT_WR) // the reader may have left
		return nil
	}
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	old := -1
	if err == nil {
		defer unix.Close(null)
		old, err = unix.FcntlInt(uintptr(s.out), unix.F_DUPFD_CLOEXEC, 0) // closing it reports errors, dup2(2) does not
	}
	if err == unix.EMFILE || err == unix.ENFILE {
		// The next file opened may get its number; nothing is written to it any more.
		return outputError(unix.Close(s.out))
	}
	if err == nil {
		err = cmp.Or(dup2(null, s.out), unix.Close(old))
	}
	return outputError(err)
}

// Gone blocks until standard output has lost its readers, and returns the error that a
// write would get. It returns nil once CloseWrite has been called, and at once if
// standard output is no pipe or socket, or if another call waits already.
func (s *Stdio) Gone() error {
	s.init()
	if s.outType != unix.S_IFIFO && s.outType != unix.S_IFSOCK {
		return nil
	}
	var woken *os.File
	s.mu.Lock()
	if !s.closed && s.woken == nil {
		if r, w, err := os.Pipe(); err == nil {
			woken, s.wake, s.woken = r, w, make(chan struct{})
		}
	}
	s.mu.Unlock()
	if woken == nil {
		return nil
	}
	defer close(s.woken)
	defer woken.Close()
	poll := []unix.PollFd{{Fd: int32(s.out)}, {Fd: int32(woken.Fd())}}
	for {
		switch _, err := unix.Poll(poll, -1); {
		case err == unix.EINTR:
		case err != nil, poll[1].Revents != 0:
			return nil
		default:
			return outputError(unix.EPIPE)
		}
	}
}

// stopWatch makes Gone return, and returns when standard output is not polled any more.
// It is called once.
func (s *Stdio) stopWatch() {
	if s.woken != nil {
		_ = s.wake.Close()
		<-s.woken
	}
}
