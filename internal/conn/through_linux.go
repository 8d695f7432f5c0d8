package conn

import (
	"io"

	"golang.org/x/sys/unix"
)

// through is the kernel's way from socket to a regular file: splice(2) needs a
// pipe on one side, so there is one of our own in between, which is empty
// whenever the socket is asked.
func (s *Stdio) through(socket *Socket) *way {
	flags, err := unix.FcntlInt(uintptr(s.out), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_APPEND != 0 { // EINVAL, after the bytes have left the socket
		return nil
	}
	w := &way{stdio: s, socket: socket, call: (*way).spliceThrough}
	w.attempt = w.tryThrough
	return w
}

// spliceThrough moves what has come into the pipe, and from there to the file.
// Like spliceIn it leaves it to a read to meet the end.
func (w *way) spliceThrough() (s step) {
	if !w.dug && !w.dig() {
		return step{to: errRefused}
	}
	s.from = w.socket.raw.Read(w.attempt)
	s.n = w.n
	switch {
	case s.from != nil:
	case refused(w.err):
		s.to = errRefused
	case w.err != nil:
		s.from = w.err
	default:
		s.to = w.empty(s.n)
	}
	return s
}

// tryThrough fills the pipe once; it reports whether that is settled.
func (w *way) tryThrough(fd uintptr) bool {
	for {
		n, err := unix.Splice(int(fd), nil, w.between[1], nil, pipeSize, unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
		w.n, w.err = int(max(n, 0)), err
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN && atUrgent(int(fd)):
			w.err = nil
			return true
		default:
			return err != unix.EAGAIN
		}
	}
}

// empty moves n bytes from the pipe to the file. If the file's system has no
// splice(2), they are copied, and so is all that follows.
func (w *way) empty(n int) error {
	for n > 0 {
		m, err := unix.Splice(w.between[0], nil, w.stdio.out, nil, n, unix.SPLICE_F_MOVE)
		switch {
		case m > 0:
			n -= int(m)
			w.socket.progress.Touch()
		case err == unix.EINTR:
		case refused(err):
			w.broken = true
			_, err := io.CopyN(w.stdio, pipeEnd(w.between[0]), int64(n))
			return err
		case err == nil:
			return outputError(io.ErrShortWrite)
		default:
			return outputError(err)
		}
	}
	return nil
}

// A pipeEnd is the descriptor of a pipe's end to read.
type pipeEnd int

// Read reads what is in the pipe, which is not at its end.
func (e pipeEnd) Read(p []byte) (int, error) {
	for {
		if n, err := unix.Read(int(e), p); err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// spliceFile moves from a regular file to the socket, through a pipe of our own:
// sendfile(2) does the same through one of 64 KiB, and wakes the peer more often
// and costs more for it. What is in the pipe has left the file, and has to reach
// the socket before more is read. At the file's end as splice(2) sees it, the
// pump reads on: a file in /proc has a size of 0.
func (w *way) spliceFile() (s step) {
	if !w.dug && !w.dig() {
		return step{to: errRefused}
	}
	if w.held == 0 {
		switch n, err := w.fill(); {
		case err != nil && !refused(err):
			return step{from: inputError(err)}
		case n == 0:
			return step{to: errRefused}
		default:
			w.held = n
		}
	}
	s.to = w.socket.raw.Write(w.attempt)
	s.n = w.n
	if s.to == nil {
		s.to = w.err
	}
	w.held -= s.n
	return s
}

// fill puts what the file has next into the pipe, which is empty.
func (w *way) fill() (int, error) {
	for {
		n, err := unix.Splice(w.stdio.in, nil, w.between[1], nil, pipeSize, unix.SPLICE_F_MOVE)
		if err != unix.EINTR {
			return int(max(n, 0)), err
		}
	}
}

// tryFile moves from the pipe to the socket once; it reports whether that is
// settled. The pipe is not empty, so only the socket can be unready.
func (w *way) tryFile(fd uintptr) bool {
	for {
		n, err := unix.Splice(w.between[0], nil, int(fd), nil, w.held, unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
		w.n, w.err = int(max(n, 0)), err
		if err != unix.EINTR {
			return err != unix.EAGAIN
		}
	}
}

// dig makes the pipe, as large as it may be.
func (w *way) dig() bool {
	if unix.Pipe2(w.between[:], unix.O_CLOEXEC) != nil {
		return false
	}
	_, _ = unix.FcntlInt(uintptr(w.between[1]), unix.F_SETPIPE_SZ, pipeSize)
	w.dug = true
	return true
}

func closePipe(p [2]int) {
	_, _ = unix.Close(p[0]), unix.Close(p[1])
}
