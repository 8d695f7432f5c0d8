package conn

import (
	"errors"
	"io"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// pipeSize is what the pipes at our ends are enlarged to (F_SETPIPE_SZ,
	// fcntl(2)): the limit for everybody but root.
	pipeSize = 1 << 20
	// sendfileMost is what sendfile(2) takes at a time.
	sendfileMost = 0x7ffff000
	// unixBuffer is the send buffer that Unix sockets need to be fast.
	unixBuffer = 1 << 20
)

// errRefused says that the kernel does not move bytes between two descriptors
// of these kinds, before it has moved any.
var errRefused = errors.New("refused")

// refused are the errors by which the kernel declines sendfile(2) and splice(2).
func refused(err error) bool {
	return err == unix.EINVAL || err == unix.ENOSYS || err == unix.EOPNOTSUPP || err == unix.EBADF || err == unix.ESPIPE
}

// outbound is the kernel's way from standard input to socket: sendfile(2) from a
// regular file, splice(2) from a pipe.
func (s *Stdio) outbound(socket *Socket) *way {
	s.init()
	w := &way{stdio: s, socket: socket}
	var st unix.Stat_t
	if unix.Fstat(s.in, &st) != nil {
		return nil
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		w.eager, w.call = true, (*way).sendfile
	case unix.S_IFIFO:
		w.call = (*way).spliceOut
	default:
		return nil
	}
	if !socket.isTCP() {
		socket.enlarge()
	}
	return w
}

// inbound is the kernel's way from socket to standard output: splice(2) into a
// pipe, MSG_TRUNC (recv(2)) where the bytes go to /dev/null anyway.
func (s *Stdio) inbound(socket *Socket) *way {
	s.init()
	if s.kind == outPipe {
		return &way{stdio: s, socket: socket, call: (*way).spliceIn}
	}
	var st unix.Stat_t
	if unix.Fstat(s.out, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == unix.Mkdev(1, 3) {
		return socket.discarding()
	}
	return nil
}

// discarding is the way for bytes that nobody wants.
func (s *Socket) discarding() *way {
	if !s.isTCP() {
		return nil // there MSG_TRUNC means something else
	}
	return &way{socket: s, call: (*way).truncate}
}

// enlarge gives the pipe at our end room for more; it is a hint, which fails
// when the user has too many large pipes.
func (w *way) enlarge() {
	if w.stdio == nil {
		return
	}
	_, _ = unix.FcntlInt(uintptr(w.stdio.in), unix.F_SETPIPE_SZ, pipeSize)
	if w.stdio.kind == outPipe {
		_, _ = unix.FcntlInt(uintptr(w.stdio.out), unix.F_SETPIPE_SZ, pipeSize)
	}
}

// enlarge gives a Unix socket room to send, unless it has more.
func (s *Socket) enlarge() {
	_ = s.raw.Control(func(fd uintptr) {
		if n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF); err == nil && n < unixBuffer {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, unixBuffer)
		}
	})
}

// sendfile moves from a regular file. At the file's end as sendfile sees it, the
// pump reads on: a file in /proc has a size of 0.
func (w *way) sendfile() (s step) {
	s.to = w.socket.raw.Write(func(fd uintptr) bool {
		n, err := unix.Sendfile(int(fd), w.stdio.in, nil, sendfileMost)
		for err == unix.EINTR {
			n, err = unix.Sendfile(int(fd), w.stdio.in, nil, sendfileMost)
		}
		if err == unix.EAGAIN {
			return false
		}
		s.n, s.from = max(n, 0), err
		return true
	})
	switch {
	case s.to != nil || s.from == nil && s.n > 0:
	case s.from == nil || refused(s.from):
		s.from, s.to = nil, errRefused
	case s.from == unix.EIO:
		s.from = inputError(s.from)
	default: // the socket's
		s.from, s.to = nil, s.from
	}
	return s
}

// spliceOut moves from a pipe, which it waits for outside of the socket's lock.
func (w *way) spliceOut() (s step) {
	for {
		var err error
		empty := false
		s.to = w.socket.raw.Write(func(fd uintptr) bool {
			s.n, empty, err = splice(w.stdio.in, int(fd), unix.POLLIN, unix.POLLOUT)
			return err != unix.EAGAIN || empty
		})
		switch {
		case s.to != nil:
		case empty:
			await(w.stdio.in, unix.POLLIN)
			continue
		case refused(err):
			s.to = errRefused
		case err != nil:
			s.to = err
		case s.n == 0:
			s.from = io.EOF
		}
		return s
	}
}

// spliceIn moves into a pipe, which it waits for outside of the socket's lock.
func (w *way) spliceIn() (s step) {
	for {
		var err error
		full := false
		s.from = w.socket.raw.Read(func(fd uintptr) bool {
			var blocked bool
			s.n, blocked, err = splice(int(fd), w.stdio.out, unix.POLLIN, unix.POLLOUT)
			full = err == unix.EAGAIN && !blocked
			return err != unix.EAGAIN || full
		})
		switch {
		case s.from != nil:
		case full:
			await(w.stdio.out, unix.POLLOUT)
			continue
		case refused(err):
			s.to = errRefused
		case err == unix.EPIPE:
			s.to = outputError(err)
		case err != nil:
			s.from = err
		case s.n == 0:
			s.from = io.EOF
		}
		return s
	}
}

// splice moves what it can from one descriptor to another, one of which is a
// pipe. EAGAIN does not say which of them was not ready: with it, blocked says
// that it was from; otherwise it was to.
func splice(from, to int, readable, writable int16) (n int, blocked bool, err error) {
	for {
		m, err := unix.Splice(from, nil, to, nil, pipeSize, unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
		switch err {
		case nil:
			return int(m), false, nil
		case unix.EINTR:
			continue
		case unix.EAGAIN:
		default:
			return 0, false, err
		}
		poll := []unix.PollFd{{Fd: int32(from), Events: readable}, {Fd: int32(to), Events: writable}}
		if _, err := unix.Poll(poll, 0); err != nil {
			continue // EINTR
		}
		if poll[0].Revents == 0 || poll[1].Revents == 0 {
			return 0, poll[0].Revents == 0, unix.EAGAIN
		}
		// It became ready in between.
	}
}

// truncate throws away what the peer sends (MSG_TRUNC, tcp(7)): nothing is
// written to the buffer, so its memory is never touched.
func (w *way) truncate() (s step) {
	if w.scratch == nil {
		w.scratch = make([]byte, bufferMost)
	}
	var errno syscall.Errno
	s.from = w.socket.raw.Read(func(fd uintptr) bool {
		for {
			n, _, e := unix.Syscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(w.scratch))),
				uintptr(len(w.scratch)), unix.MSG_TRUNC, 0, 0)
			if errno = e; e == 0 {
				s.n = int(n)
			}
			if e != unix.EINTR {
				return e != unix.EAGAIN
			}
		}
	})
	switch {
	case s.from != nil:
	case errno != 0:
		s.from = errno
	case s.n == 0:
		s.from = io.EOF
	}
	return s
}
