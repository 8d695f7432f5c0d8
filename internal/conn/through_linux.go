package conn

import (
	"io"
	"os"

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
func (w *way) spliceThrough() (s step) {
	if w.between == nil && !w.dig() {
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
	case s.n == 0:
		s.from = io.EOF
	default:
		s.to = w.empty(s.n)
	}
	return s
}

// tryThrough fills the pipe once; it reports whether that is settled.
func (w *way) tryThrough(fd uintptr) bool {
	for {
		n, err := unix.Splice(int(fd), nil, int(w.between[1].Fd()), nil, pipeSize, unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
		w.n, w.err = int(max(n, 0)), err
		if err != unix.EINTR {
			return err != unix.EAGAIN
		}
	}
}

// empty moves n bytes from the pipe to the file. If the file's system has no
// splice(2), they are copied, and so is all that follows.
func (w *way) empty(n int) error {
	for n > 0 {
		m, err := unix.Splice(int(w.between[0].Fd()), nil, w.stdio.out, nil, n, unix.SPLICE_F_MOVE)
		switch {
		case m > 0:
			n -= int(m)
			w.socket.progress.Touch()
		case err == unix.EINTR:
		case refused(err):
			w.broken = true
			_, err := io.CopyN(w.stdio, w.between[0], int64(n))
			return err
		case err == nil:
			return outputError(io.ErrShortWrite)
		default:
			return outputError(err)
		}
	}
	return nil
}

// dig makes the pipe, as large as it may be.
func (w *way) dig() bool {
	r, p, err := os.Pipe()
	if err != nil {
		return false
	}
	w.between = []*os.File{r, p}
	_, _ = unix.FcntlInt(p.Fd(), unix.F_SETPIPE_SZ, pipeSize)
	return true
}
