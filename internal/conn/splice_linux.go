package conn

import (
	"errors"
	"io"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// lowWater is SO_RCVLOWAT where bytes are discarded. The kernel enlarges the
	// receive buffer accordingly (tcp_rmem, tcp(7)).
	lowWater = 2 << 20
	// unixBuffer is the send buffer that Unix sockets need to be fast.
	unixBuffer = 1 << 20
)

// errRefused is returned if the kernel does not move bytes between descriptors of
// these kinds. None have been moved then.
var errRefused = errors.New("refused")

// refused are the errors by which the kernel declines splice(2).
func refused(err error) bool {
	return err == unix.EINVAL || err == unix.ENOSYS || err == unix.EOPNOTSUPP || err == unix.EBADF || err == unix.ESPIPE
}

// fromInput prepares the path from standard input to a socket, if there is one:
// splice(2) from a pipe, or through one from a regular file.
func (p *splicePath) fromInput() bool {
	p.fromStdio.init()
	var st unix.Stat_t
	if unix.Fstat(p.fromStdio.in, &st) != nil {
		return false
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		p.eager, p.load, p.move, p.tryWrite = true, p.loadFile, p.unloadToSocket, p.tryUnload
	case unix.S_IFIFO:
		p.move, p.tryWrite = p.pipeToSocket, p.tryPipeToSocket
	default:
		return false
	}
	p.toSocket.enlarge()
	return true
}

// toOutput prepares the path from a socket to standard output, if there is one:
// splice(2) into a pipe or through one into a regular file, MSG_TRUNC (recv(2)) where
// the bytes go to /dev/null anyway.
func (p *splicePath) toOutput() bool {
	p.toStdio.init()
	if p.toStdio.kind == outPipe {
		p.move, p.tryRead = p.socketToPipe, p.trySocketToPipe
		return true
	}
	var st unix.Stat_t
	if unix.Fstat(p.toStdio.out, &st) != nil {
		return false
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFCHR:
		return st.Rdev == unix.Mkdev(1, 3) && p.discarding()
	case unix.S_IFREG:
		flags, err := unix.FcntlInt(uintptr(p.toStdio.out), unix.F_GETFL, 0)
		if err != nil || flags&unix.O_APPEND != 0 { // EINVAL, after the bytes have left the socket
			return false
		}
		p.load, p.tryRead, p.move = p.loadSocket, p.tryLoad, p.unloadToFile
		return true
	}
	return false
}

// between prepares the path from one socket to another, through the private pipe.
func (p *splicePath) between() bool {
	p.load, p.tryRead = p.loadSocket, p.tryLoad
	p.move, p.tryWrite = p.unloadToSocket, p.tryUnload
	return true
}

// discarding prepares to discard what a TCP socket receives.
func (p *splicePath) discarding() bool {
	if !p.fromSocket.isTCP() {
		return false // there MSG_TRUNC means something else
	}
	p.patient = !p.idle
	p.move, p.tryRead = p.truncate, p.tryTruncate
	return true
}

// enlarge prepares for bulk data. It enlarges pipes, which may fail when the user has
// too many large ones. If bytes are discarded, it sets SO_RCVLOWAT (socket(7)), which
// takes a tenth of the time; EOF and errors are still reported at once.
func (p *splicePath) enlarge() {
	if p.patient {
		_ = p.fromSocket.raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, lowWater)
		})
		p.eager = true
	}
	if p.fromStdio != nil {
		_, _ = unix.FcntlInt(uintptr(p.fromStdio.in), unix.F_SETPIPE_SZ, pipeSize)
	}
	if p.toStdio != nil && p.toStdio.kind == outPipe {
		_, _ = unix.FcntlInt(uintptr(p.toStdio.out), unix.F_SETPIPE_SZ, pipeSize)
	}
	if p.toSocket != nil {
		p.toSocket.enlarge()
	}
}

// enlarge gives a Unix socket room to send, unless it has more.
func (s *Socket) enlarge() {
	if s.isTCP() {
		return
	}
	_ = s.raw.Control(func(fd uintptr) {
		if n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF); err == nil && n < unixBuffer {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, unixBuffer)
		}
	})
}

// pipeToSocket moves from a pipe.
func (p *splicePath) pipeToSocket() (s step) {
	s.to = p.spliced(p.toSocket.raw.Write, p.tryWrite, p.fromStdio.in, unix.POLLIN)
	if s.n = p.n; s.to == nil && s.n == 0 {
		s.from = io.EOF
	}
	return s
}

// spliced calls try by the socket's Read or Write. It waits for the pipe, fd, without
// the socket's lock.
func (p *splicePath) spliced(call func(func(uintptr) bool) error, try func(uintptr) bool, fd int, events int16) error {
	for {
		err := call(try)
		switch {
		case err != nil:
			return err
		case p.blocked:
			waitReady(fd, events)
		case refused(p.err):
			return errRefused
		default:
			return p.err
		}
	}
}

// tryPipeToSocket calls splice(2) until it is settled or the socket is full.
func (p *splicePath) tryPipeToSocket(fd uintptr) bool {
	p.n, p.blocked, p.err = splice(p.fromStdio.in, int(fd))
	return p.err != unix.EAGAIN || p.blocked
}

// socketToPipe moves into a pipe. It never reports EOF: splice(2) returns 0 at EOF and
// also before urgent data, which only a read skips.
func (p *splicePath) socketToPipe() (s step) {
	err := p.spliced(p.fromSocket.raw.Read, p.tryRead, p.toStdio.out, unix.POLLOUT)
	s.n = p.n
	switch err {
	case errRefused:
		s.to = err
	case unix.EPIPE:
		s.to = outputError(err)
	default:
		s.from = err
	}
	return s
}

// trySocketToPipe calls splice(2) until it is settled or the socket is empty. A path
// that was stopped while the pipe was full moves no more.
func (p *splicePath) trySocketToPipe(fd uintptr) bool {
	if p.flight.isStopped() {
		p.n, p.blocked, p.err = 0, false, errStopped
		return true
	}
	var empty bool
	p.n, empty, p.err = splice(int(fd), p.toStdio.out)
	p.blocked = p.err == unix.EAGAIN && !empty
	return p.err != unix.EAGAIN || p.blocked
}

// atUrgent reports whether urgent data comes next in a socket (SIOCATMARK,
// sockatmark(3)). There splice(2) returns EAGAIN until the peer has ended,
// whatever follows.
func atUrgent(fd int) bool {
	at, err := unix.IoctlGetInt(fd, unix.SIOCATMARK)
	return err == nil && at != 0
}

// splice moves what it can from one descriptor to another, one of which is a
// pipe. With EAGAIN, fromBlocked is true if from was not ready, else to was not.
func splice(from, to int) (n int, fromBlocked bool, err error) {
	for {
		n, err := spliceOnce(from, to, pipeSize, unix.SPLICE_F_NONBLOCK)
		if err != unix.EAGAIN {
			return n, false, err
		}
		poll := []unix.PollFd{{Fd: int32(from), Events: unix.POLLIN}, {Fd: int32(to), Events: unix.POLLOUT}}
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

// spliceOnce is splice(2) of at most most bytes; it repeats an interrupted call.
func spliceOnce(from, to, most, flags int) (int, error) {
	for {
		if n, err := unix.Splice(from, nil, to, nil, most, flags|unix.SPLICE_F_MOVE); err != unix.EINTR {
			return int(max(n, 0)), err
		}
	}
}

// loadFile fills the private pipe from a regular file. sendfile(2) would use a pipe of
// 64 KiB, wake the peer more often and cost more. When splice(2) returns 0, the pump
// goes on with reads: a file in /proc has a size of 0.
func (p *splicePath) loadFile() (int, error) {
	if !p.openPipe() {
		return 0, errRefused
	}
	n, err := spliceOnce(p.fromStdio.in, p.pipe[1], pipeSize, 0)
	switch {
	case refused(err), err == nil && n == 0:
		return 0, errRefused
	case err != nil:
		return 0, InputError(err)
	}
	return n, nil
}

// loadSocket fills the private pipe from a socket. Like socketToPipe, it never reports
// EOF.
func (p *splicePath) loadSocket() (int, error) {
	if !p.openPipe() {
		return 0, errRefused
	}
	if err := p.fromSocket.raw.Read(p.tryRead); err != nil {
		return 0, err
	}
	if refused(p.err) {
		return 0, errRefused
	}
	return p.n, p.err
}

// tryLoad fills the private pipe once; it reports whether that is settled.
func (p *splicePath) tryLoad(fd uintptr) bool {
	p.n, p.err = spliceOnce(int(fd), p.pipe[1], pipeSize, unix.SPLICE_F_NONBLOCK)
	if p.err == unix.EAGAIN && atUrgent(int(fd)) {
		p.err = nil
	}
	return p.err != unix.EAGAIN
}

// unloadToSocket moves from the private pipe to the socket. What is in the pipe
// has left the sending side, and has to reach the socket before more is read.
func (p *splicePath) unloadToSocket() (s step) {
	s.to = p.toSocket.raw.Write(p.tryWrite)
	s.n = p.n
	if s.to == nil {
		s.to = p.err
	}
	return s
}

// tryUnload moves from the private pipe to the socket once; it reports whether
// that is settled. The pipe is not empty, so only the socket can be unready.
func (p *splicePath) tryUnload(fd uintptr) bool {
	p.n, p.err = spliceOnce(p.pipe[0], int(fd), p.piped, unix.SPLICE_F_NONBLOCK)
	return p.err != unix.EAGAIN
}

// unloadToFile moves from the private pipe to a regular file. If the file system does
// not support splice(2), it copies the pipe's contents, and the pump copies the rest.
func (p *splicePath) unloadToFile() step {
	n, err := spliceOnce(p.pipe[0], p.toStdio.out, p.piped, 0)
	switch {
	case n > 0:
		return step{n: n}
	case refused(err):
		p.broken = true
		n, err := io.CopyN(p.toStdio, pipeEnd(p.pipe[0]), int64(p.piped))
		return step{n: int(n), to: err}
	case err == nil:
		return step{to: outputError(io.ErrShortWrite)}
	}
	return step{to: outputError(err)}
}

// A pipeEnd is the read end of a pipe that is not empty.
type pipeEnd int

func (e pipeEnd) Read(p []byte) (int, error) {
	for {
		if n, err := unix.Read(int(e), p); err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// openPipe makes the private pipe, as large as it may be, unless there is one.
func (p *splicePath) openPipe() bool {
	if p.open {
		return true
	}
	if unix.Pipe2(p.pipe[:], unix.O_CLOEXEC) != nil {
		return false
	}
	_, _ = unix.FcntlInt(uintptr(p.pipe[1]), unix.F_SETPIPE_SZ, pipeSize)
	p.open = true
	return true
}

func closePipe(p [2]int) {
	_, _ = unix.Close(p[0]), unix.Close(p[1])
}

// truncate throws away what the peer sends (MSG_TRUNC, tcp(7)): nothing is
// written to the buffer, so its memory is never touched.
func (p *splicePath) truncate() (s step) {
	s.from = p.fromSocket.raw.Read(p.tryRead)
	s.n = p.n
	switch {
	case s.from != nil:
	case p.err != nil:
		s.from = p.err
	case s.n == 0:
		s.from = io.EOF
	}
	return s
}

// tryTruncate calls recv(2) once; it reports whether that is settled.
func (p *splicePath) tryTruncate(fd uintptr) bool {
	if p.scratch == nil {
		p.scratch = make([]byte, lowWater)
	}
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p.scratch))),
			uintptr(len(p.scratch)), unix.MSG_TRUNC, 0, 0)
		p.n, p.err = int(n), nil
		if errno != 0 {
			p.n, p.err = 0, errno
		}
		if errno != unix.EINTR {
			return errno != unix.EAGAIN
		}
	}
}
