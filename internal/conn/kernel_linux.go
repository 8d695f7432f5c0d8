package conn

import (
	"errors"
	"io"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// pipeSize is what the pipes at our ends are enlarged to (F_SETPIPE_SZ,
	// fcntl(2)): the limit for everybody but root.
	pipeSize = 1 << 20
	// patience is how much must have come before we hear of it, where nobody waits
	// for it. The kernel makes the receive buffer large enough (tcp_rmem, tcp(7)).
	patience = 2 << 20
	// unixBuffer is the send buffer that Unix sockets need to be fast.
	unixBuffer = 1 << 20
)

// errRefused says that the kernel does not move bytes between two descriptors
// of these kinds, before it has moved any.
var errRefused = errors.New("refused")

// refused are the errors by which the kernel declines splice(2).
func refused(err error) bool {
	return err == unix.EINVAL || err == unix.ENOSYS || err == unix.EOPNOTSUPP || err == unix.EBADF || err == unix.ESPIPE
}

// outbound is the kernel's way from standard input to socket: splice(2) from a
// pipe, or through one from a regular file.
func (s *Stdio) outbound(socket *Socket) *way {
	s.init()
	w := &way{stdio: s, socket: socket}
	var st unix.Stat_t
	if unix.Fstat(s.in, &st) != nil {
		return nil
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		w.eager, w.stages, w.call, w.attempt = true, true, (*way).spliceFile, w.tryFile
	case unix.S_IFIFO:
		w.call, w.attempt = (*way).spliceOut, w.trySpliceOut
	default:
		return nil
	}
	if !socket.isTCP() {
		socket.enlarge()
	}
	return w
}

// inbound is the kernel's way from socket to standard output: splice(2) into a
// pipe or through one into a regular file, MSG_TRUNC (recv(2)) where the bytes go
// to /dev/null anyway.
func (s *Stdio) inbound(socket *Socket) *way {
	s.init()
	if s.kind == outPipe {
		w := &way{stdio: s, socket: socket, call: (*way).spliceIn}
		w.attempt = w.trySpliceIn
		return w
	}
	var st unix.Stat_t
	if unix.Fstat(s.out, &st) != nil {
		return nil
	}
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == unix.Mkdev(1, 3):
		return socket.discarding()
	case st.Mode&unix.S_IFMT == unix.S_IFREG:
		return s.through(socket)
	}
	return nil
}

// discarding is the way for bytes that nobody wants.
func (s *Socket) discarding() *way {
	if !s.isTCP() {
		return nil // there MSG_TRUNC means something else
	}
	w := &way{socket: s, call: (*way).truncate}
	w.attempt = w.tryTruncate
	return w
}

// enlarge prepares for more: it gives the pipe at our end room, which is a hint
// that fails when the user has too many large pipes. Bytes that are thrown away
// need not be told of one by one: SO_RCVLOWAT (socket(7)) takes a tenth of the
// time. The end and a failure of the connection are told of at once even
// so, and from here on nothing else has to be noticed.
func (w *way) enlarge() {
	if w.patient {
		_ = w.socket.raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, patience)
		})
		w.eager = true
	}
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

// spliceOut moves from a pipe, which it waits for outside of the socket's lock.
func (w *way) spliceOut() (s step) {
	for {
		s.to = w.socket.raw.Write(w.attempt)
		s.n = w.n
		switch {
		case s.to != nil:
		case w.blocked:
			await(w.stdio.in, unix.POLLIN)
			continue
		case refused(w.err):
			s.to = errRefused
		case w.err != nil:
			s.to = w.err
		case s.n == 0:
			s.from = io.EOF
		}
		return s
	}
}

// trySpliceOut calls splice(2) until it is settled or the socket is full.
func (w *way) trySpliceOut(fd uintptr) bool {
	w.n, w.blocked, w.err = splice(w.stdio.in, int(fd), unix.POLLIN, unix.POLLOUT)
	return w.err != unix.EAGAIN || w.blocked
}

// spliceIn moves into a pipe, which it waits for outside of the socket's lock. It
// never says that this is the end: splice(2) returns 0 there, and in front of
// urgent data, too, which only a read passes by.
func (w *way) spliceIn() (s step) {
	for {
		s.from = w.socket.raw.Read(w.attempt)
		s.n = w.n
		switch {
		case s.from != nil:
		case w.blocked:
			await(w.stdio.out, unix.POLLOUT)
			continue
		case refused(w.err):
			s.to = errRefused
		case w.err == unix.EPIPE:
			s.to = outputError(w.err)
		case w.err != nil:
			s.from = w.err
		}
		return s
	}
}

// trySpliceIn calls splice(2) until it is settled or the socket is empty.
func (w *way) trySpliceIn(fd uintptr) bool {
	var empty bool
	w.n, empty, w.err = splice(int(fd), w.stdio.out, unix.POLLIN, unix.POLLOUT)
	w.blocked = w.err == unix.EAGAIN && !empty
	return w.err != unix.EAGAIN || w.blocked
}

// atUrgent reports whether urgent data comes next in a socket (SIOCATMARK,
// sockatmark(3)). There splice(2) returns EAGAIN until the peer has ended,
// whatever stands behind.
func atUrgent(fd int) bool {
	at, err := unix.IoctlGetInt(fd, unix.SIOCATMARK)
	return err == nil && at != 0
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
		if atUrgent(from) {
			return 0, false, nil
		}
		// It became ready in between.
	}
}

// truncate throws away what the peer sends (MSG_TRUNC, tcp(7)): nothing is
// written to the buffer, so its memory is never touched.
func (w *way) truncate() (s step) {
	s.from = w.socket.raw.Read(w.attempt)
	s.n = w.n
	switch {
	case s.from != nil:
	case w.err != nil:
		s.from = w.err
	case s.n == 0:
		s.from = io.EOF
	}
	return s
}

// tryTruncate calls recv(2) once; it reports whether that is settled.
func (w *way) tryTruncate(fd uintptr) bool {
	if w.scratch == nil {
		w.scratch = make([]byte, patience)
	}
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(w.scratch))),
			uintptr(len(w.scratch)), unix.MSG_TRUNC, 0, 0)
		w.n, w.err = int(n), nil
		if errno != 0 {
			w.n, w.err = 0, errno
		}
		if errno != unix.EINTR {
			return errno != unix.EAGAIN
		}
	}
}
