package conn

import (
	"cmp"
	"io"

	"golang.org/x/sys/unix"
)

const (
	// pipeSize is what pipes are enlarged to (F_SETPIPE_SZ, fcntl(2)): the default limit
	// of an unprivileged user (/proc/sys/fs/pipe-max-size).
	pipeSize = 1 << 20
	// A move of fewer than smallMove bytes is slower than a copy.
	smallMove = 32 << 10
	// lowWater is SO_RCVLOWAT where bytes are discarded. The kernel enlarges the
	// receive buffer accordingly (tcp_rmem, tcp(7)).
	lowWater = 2 << 20
	// unixBuffer is the send buffer that Unix sockets need to be fast.
	unixBuffer = 1 << 20
)

// A splicePath moves the bytes of one direction within the kernel, without copies to
// this process: splice(2) takes them from the sending side into a private pipe, and from
// there to the receiving side. Bytes that are discarded are cut off in a TCP socket
// (MSG_TRUNC, tcp(7)). A nil path is never in use: the pump copies.
//
// For small messages a copy is faster: one read and one write cost less than two
// splices and a poll. So the pump takes the path after two copies that filled their
// buffer, and leaves it after two small moves.
type splicePath struct {
	d      *direction
	use    pathUse
	streak int   // full copies or, while splicing, small moves in a row
	pace   Paced // nil: as fast as can be

	// read and write call try until it returns true, and wait for their side in between.
	// write is nil if the bytes are discarded. Each try is kept, with its result: a closure
	// for each move would be the only garbage of a conversation.
	read, write        func(try func(fd uintptr) bool) error
	tryLoad, tryUnload func(fd uintptr) bool
	n                  int
	err                error

	prepared bool
	pipe     [2]int // private pipe, read and write ends
	piped    int    // bytes in it
	idle     bool   // an idle clock has to see each arrival
	scratch  []byte // what discarding lends the kernel
}

// A pathUse is whether the next bytes take the splice path.
type pathUse int

const (
	copying  pathUse = iota // after small moves
	splicing                // after full copies
	always                  // until EOF
	refused                 // never: the kernel does not splice these descriptors
)

// path is the splice path for the bytes of d; nil if a filter looks at them, other
// conversations write to the same output, or the descriptors are of other kinds.
func (c *conversation) path(d *direction) *splicePath {
	if d == &c.receive && c.Shutdown == ShutBoth {
		return nil // received bytes are discarded once Local's input has ended
	}
	p, from := &splicePath{d: d, idle: c.Idle > 0}, d.from.Stream
	if pace, ok := from.(Paced); ok && pace.Piece() >= pipeSize {
		p.pace, from = pace, pace.Unwrap()
	}
	if !p.reads(from) || !p.writes(d.to.Stream) {
		return nil
	}
	return p
}

// reads makes s the sending side, and reports whether that can be.
func (p *splicePath) reads(s Stream) bool {
	switch s := s.(type) {
	case *Socket:
		p.read = s.raw.Read
		return s.bare()
	case *Stdio:
		s.init()
		p.read = polling(s.in, unix.POLLIN)
		switch fileType(s.in) {
		case unix.S_IFIFO:
			return true
		case unix.S_IFREG:
			p.use = always
			return true
		}
	}
	return false
}

// writes makes s the receiving side, or discards, and reports whether that can be.
func (p *splicePath) writes(s Stream) bool {
	if p.d.discard.Load() {
		return p.fromTCP()
	}
	switch s := s.(type) {
	case *Socket:
		p.write = s.raw.Write
		return s.bare()
	case *Stdio:
		if s.KeepOpen {
			return false
		}
		s.init()
		switch s.outType {
		case unix.S_IFIFO, unix.S_IFREG:
			p.write = polling(s.out, unix.POLLOUT)
			return true
		case unix.S_IFCHR:
			return isNull(s.out) && p.fromTCP()
		}
	}
	return false
}

// fromTCP reports whether the bytes come from TCP; MSG_TRUNC means something else elsewhere.
func (p *splicePath) fromTCP() bool {
	s, ok := p.d.from.Stream.(*Socket)
	return ok && s.isTCP()
}

// isNull reports whether a character device is /dev/null.
func isNull(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Rdev == unix.Mkdev(1, 3)
}

// polling waits for a descriptor that is not in non-blocking mode.
func polling(fd int, events int16) func(try func(fd uintptr) bool) error {
	return func(try func(uintptr) bool) error {
		for !try(uintptr(fd)) {
			waitReady(fd, events)
		}
		return nil
	}
}

// ready reports whether the next step is the kernel's.
func (p *splicePath) ready() bool {
	return p != nil && (p.use == splicing || p.use == always || p.piped > 0)
}

// pending is how many bytes have left the sending side and not reached the receiving one.
func (p *splicePath) pending() int {
	if p == nil {
		return 0
	}
	return p.piped
}

// copied notes a copy of n bytes.
func (p *splicePath) copied(n int) {
	if p == nil || p.use != copying {
		return
	}
	if p.streak++; n < bufferSize {
		p.streak = 0
	}
	if p.streak == 2 {
		p.use, p.streak = splicing, 0
	}
}

// moved notes a move of n bytes. If it is 0, which may be EOF or urgent data, the next
// read finds out.
func (p *splicePath) moved(n int) {
	if p.streak++; n >= smallMove {
		p.streak = 0
	}
	if n == 0 || p.use == splicing && p.streak == 2 {
		p.use, p.streak = copying, 0
	}
}

// step is one move by the kernel. If the kernel refuses the path, nothing is moved and
// the pump copies from then on.
func (p *splicePath) step() step {
	if !p.prepared && !p.prepare() {
		p.use = refused
		return step{}
	}
	if p.piped == 0 {
		if p.pace != nil {
			p.pace.Wait()
		}
		n, err := p.load()
		if declines(err) {
			p.use = refused
			return step{}
		}
		p.d.arrived(n)
		if p.pace != nil {
			p.pace.Add(n)
		}
		p.moved(n)
		if p.write == nil {
			p.d.written.Add(int64(n))
			return step{n: n, readErr: err}
		}
		if p.piped = n; n == 0 {
			return step{readErr: err}
		}
	}
	n, err := p.unload()
	p.piped -= n
	p.d.written.Add(int64(n))
	p.d.progress.Touch()
	return step{n: n, writeErr: err}
}

// prepare makes the private pipe and enlarges the other buffers, which may fail when
// the user has too many large pipes. Where bytes are discarded it sets SO_RCVLOWAT
// (socket(7)), which takes a tenth of the time; EOF and errors are still reported at once.
func (p *splicePath) prepare() bool {
	p.prepared = true
	p.tryLoad, p.tryUnload = p.loadOnce, p.unloadOnce
	from, to := p.d.from, p.d.to
	if p.write == nil {
		p.scratch = make([]byte, lowWater)
		if !p.idle {
			p.use = always
			from.socket.raise(unix.SO_RCVLOWAT, lowWater)
		}
		return true
	}
	if unix.Pipe2(p.pipe[:], unix.O_CLOEXEC) != nil {
		return false
	}
	pipes := []int{p.pipe[1]}
	if from.stdio != nil {
		pipes = append(pipes, from.stdio.in)
	}
	if to.stdio != nil {
		pipes = append(pipes, to.stdio.out)
	}
	for _, fd := range pipes {
		_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, pipeSize)
	}
	if to.socket != nil && !to.socket.isTCP() {
		to.socket.raise(unix.SO_SNDBUF, unixBuffer)
	}
	return true
}

// raise sets a socket option to at least least.
func (s *Socket) raise(option, least int) {
	_ = s.raw.Control(func(fd uintptr) {
		if n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, option); err == nil && n < least {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, option, least)
		}
	})
}

// load moves some bytes from the sending side into the private pipe, or discards them.
func (p *splicePath) load() (n int, err error) {
	p.n, p.err = 0, nil
	waited := p.read(p.tryLoad)
	n, err = p.n, p.err
	if err = cmp.Or(waited, err); err != nil && err != errStopped && p.d.from.stdio != nil && !declines(err) {
		err = InputError(err)
	}
	return n, err
}

// loadOnce is load without a wait.
func (p *splicePath) loadOnce(fd uintptr) bool {
	switch {
	case !p.d.flight.begin():
		p.err = errStopped
		return true
	case p.write == nil:
		p.n, p.err = p.truncate(fd)
	default:
		p.n, p.err = spliceOnce(int(fd), p.pipe[1], pipeSize)
	}
	switch {
	case p.err != unix.EAGAIN:
	case atUrgent(int(fd)):
		p.err = nil
	case !p.d.flight.end():
		p.err = errStopped
	}
	return p.err != unix.EAGAIN
}

// unload moves from the private pipe to the receiving side. If the kernel refuses, it
// copies the contents, and the pump copies the rest.
func (p *splicePath) unload() (n int, err error) {
	p.n, p.err = 0, nil
	waited := p.write(p.tryUnload)
	n, err = p.n, p.err
	if declines(err) {
		p.use = refused
		buf := make([]byte, p.piped)
		if n, err = unix.Read(p.pipe[0], buf); err == nil {
			return p.d.to.Write(buf[:n])
		}
	}
	if err = cmp.Or(waited, err); n == 0 && err == nil {
		err = io.ErrShortWrite
	}
	if p.d.to.stdio != nil {
		err = outputError(err)
	}
	return max(n, 0), err
}

// unloadOnce is unload without a wait. If it has to wait, the pipe is not empty.
func (p *splicePath) unloadOnce(fd uintptr) bool {
	p.n, p.err = spliceOnce(p.pipe[0], int(fd), p.piped)
	return p.err != unix.EAGAIN
}

// truncate discards what a TCP socket has received: nothing is written to the buffer, so
// its memory is never touched.
func (p *splicePath) truncate(fd uintptr) (int, error) {
	for {
		n, _, err := unix.Recvfrom(int(fd), p.scratch, unix.MSG_TRUNC)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// close closes the private pipe.
func (p *splicePath) close() {
	if p != nil && p.pipe != [2]int{} {
		_, _ = unix.Close(p.pipe[0]), unix.Close(p.pipe[1])
	}
}

// spliceOnce is splice(2) of at most most bytes; it repeats an interrupted call.
func spliceOnce(from, to, most int) (int, error) {
	for {
		n, err := unix.Splice(from, nil, to, nil, most, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		if err != unix.EINTR {
			return int(max(n, 0)), err
		}
	}
}

// declines reports whether the kernel refused to splice these descriptors; no bytes have
// been moved then.
func declines(err error) bool {
	return err == unix.EINVAL || err == unix.ENOSYS || err == unix.EOPNOTSUPP || err == unix.EBADF || err == unix.ESPIPE
}

// atUrgent reports whether urgent data comes next in a socket (SIOCATMARK,
// sockatmark(3)). There splice(2) returns EAGAIN until the peer has ended,
// whatever follows.
func atUrgent(fd int) bool {
	at, err := unix.IoctlGetInt(fd, unix.SIOCATMARK)
	return err == nil && at != 0
}
