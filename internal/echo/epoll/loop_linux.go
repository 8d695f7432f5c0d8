package epoll

import (
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"gcat/internal/conn"
)

// A loop takes ready connections from an epoll(7) descriptor, reads each once and
// writes the data back at once. When none is ready, it waits in the runtime's
// poller, in which the epoll descriptor is registered like a socket. If a peer does
// not read, the loop keeps the data of one read and reads no more from that peer
// until it is written.
type loop struct {
	Config
	epoll int
	file  *os.File // the epoll descriptor, for the runtime's poller
	raw   syscall.RawConn
	done  chan struct{} // closed when run has returned

	mu     sync.Mutex
	conns  []*Conn   // by descriptor
	next   time.Time // when the next sweep is due; zero: no clock runs
	stop   bool
	buf    []byte
	events [128]unix.EpollEvent
}

// A Conn is one connection. Number and Owner are the caller's.
type Conn struct {
	Number int64
	Owner  any

	fd             int32
	state          state
	ends           reason
	remote         netip.AddrPort // invalid for Unix sockets
	received, sent int64
	born           time.Time
	first          time.Duration
	progress       conn.Progress
	due            time.Time // of the next look at progress, or of a closing connection's end
	pending        *[]byte
	from, to       int // the part of pending that is not written
}

type state uint8

const (
	reading state = iota
	writing       // pending is not empty: the peer does not read
	closing       // our FIN is sent; received bytes are discarded
)

// A reason is why a connection is closed from this side.
type reason uint8

const (
	open reason = iota
	byIdle
	byDeadline
	bySignal
)

func (r reason) String() string {
	if r == bySignal {
		return "signal"
	}
	return "timeout"
}

func newLoop(config Config) (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	l := &loop{
		Config: config, epoll: fd, file: os.NewFile(uintptr(fd), "epoll"),
		done: make(chan struct{}), buf: make([]byte, 64<<10),
	}
	if l.raw, err = l.file.SyscallConn(); err == nil {
		err = l.file.SetReadDeadline(time.Time{}) // an error if it cannot be polled
	}
	if err != nil {
		_ = l.file.Close()
		return nil, err
	}
	return l, nil
}

// run serves until Stop.
func (l *loop) run() {
	defer close(l.done)
	defer func() { _ = l.file.Close() }() // nothing was written to it
	for {
		_ = l.raw.Read(l.poll) // the deadline is its only error
		l.mu.Lock()
		if l.stop {
			l.mu.Unlock()
			return
		}
		l.sweep()
		l.mu.Unlock()
	}
}

// poll handles ready connections. It returns false when there are none, and true
// when a sweep is due.
func (l *loop) poll(fd uintptr) bool {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, fd, uintptr(unsafe.Pointer(&l.events[0])), uintptr(len(l.events)), 0, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		if n == 0 || errno != 0 {
			return false
		}
		l.mu.Lock()
		for i := range l.events[:n] {
			// nil if the connection was closed earlier in this batch.
			if c := l.conns[l.events[i].Fd]; c != nil {
				l.handle(c)
			}
		}
		due := !l.next.IsZero() && !time.Now().Before(l.next)
		l.mu.Unlock()
		if due {
			return true
		}
	}
}

// add takes a connected, non-blocking socket into the loop.
func (l *loop) add(c *Conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for int(c.fd) >= len(l.conns) {
		l.conns = append(l.conns, nil)
	}
	c.born = time.Now()
	c.progress.Start()
	c.progress.Queued = c.queued
	c.due = c.born.Add(l.Idle / 4)
	if err := l.watch(c, unix.EPOLL_CTL_ADD, unix.EPOLLIN); err != nil {
		return err
	}
	l.conns[c.fd] = c
	if due := l.dueOf(c); !due.IsZero() && (l.next.IsZero() || due.Before(l.next)) {
		l.wakeAt(due)
	}
	return nil
}

func (l *loop) watch(c *Conn, op int, events uint32) error {
	e := unix.EpollEvent{Events: events, Fd: c.fd}
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(l.epoll), uintptr(op), uintptr(c.fd), uintptr(unsafe.Pointer(&e)), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// handle reads from or writes to a ready connection, by its state.
func (l *loop) handle(c *Conn) {
	switch c.state {
	case reading:
		l.read(c)
	case writing:
		l.flush(c)
	case closing:
		l.drain(c)
	}
}

// read reads once and writes the data back.
func (l *loop) read(c *Conn) {
	n, errno := sysRead(c.fd, l.buf)
	switch {
	case n > 0:
	case again(errno):
		return
	case errno != 0:
		l.fail(c, errno)
		return
	default:
		l.remove(c, "peer", nil)
		return
	}
	c.progress.Touch()
	if c.received == 0 {
		c.first = time.Since(c.born)
	}
	c.received += int64(n)
	l.Received.Add(int64(n))
	w, errno := sysWrite(c.fd, l.buf[:n])
	if w > 0 {
		l.wrote(c, w)
	}
	switch {
	case w == n:
	case errno != 0 && !again(errno):
		l.fail(c, errno)
	default:
		c.pending = l.Buffers.Get().(*[]byte)
		c.from, c.to = 0, copy(*c.pending, l.buf[max(w, 0):n])
		c.state = writing
		if err := l.watch(c, unix.EPOLL_CTL_MOD, unix.EPOLLOUT); err != nil {
			l.fail(c, err)
		}
	}
}

func (l *loop) wrote(c *Conn, n int) {
	c.sent += int64(n)
	l.Sent.Add(int64(n))
}

// flush writes pending data, and resumes reading when all of it is written.
func (l *loop) flush(c *Conn) {
	n, errno := sysWrite(c.fd, (*c.pending)[c.from:c.to])
	switch {
	case n > 0:
		c.progress.Touch()
		l.wrote(c, n)
		c.from += n
	case !again(errno):
		l.fail(c, errno)
		return
	}
	if c.from < c.to {
		return
	}
	l.Buffers.Put(c.pending)
	c.pending = nil
	if c.ends != open {
		l.shut(c)
		return
	}
	c.state = reading
	if err := l.watch(c, unix.EPOLL_CTL_MOD, unix.EPOLLIN); err != nil {
		l.fail(c, err)
	}
}

// end begins to close a connection in order: it writes pending data if the peer
// reads, the text of Farewell and our FIN, and discards what it receives. After Drain
// at most the socket is closed.
func (l *loop) end(c *Conn, why reason) {
	c.ends, c.due = why, time.Now().Add(l.Drain)
	if c.state == reading {
		l.shut(c)
	}
}

// shut sends the text of Farewell and our FIN.
func (l *loop) shut(c *Conn) {
	if l.Farewell != "" {
		if n, _ := sysWrite(c.fd, []byte(l.Farewell)); n > 0 {
			l.wrote(c, n)
		}
	}
	c.state = closing
	_ = unix.Shutdown(int(c.fd), unix.SHUT_WR) // the peer may be gone already
	if err := l.watch(c, unix.EPOLL_CTL_MOD, unix.EPOLLIN); err != nil {
		l.remove(c, c.ends.String(), nil)
	}
}

// drain discards what a closing connection receives. After an idle limit nothing can
// be in flight: bytes that arrive once the peer's kernel has our FIN were written by
// a peer that did not read the end of file, and are answered by a reset.
func (l *loop) drain(c *Conn) {
	n, errno := sysRead(c.fd, l.buf)
	switch {
	case n > 0 && c.ends == byIdle && c.queued() <= 0:
		_ = unix.SetsockoptLinger(int(c.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	case n > 0, again(errno):
		return
	}
	l.remove(c, c.ends.String(), nil)
}

// fail ends a connection whose socket failed.
func (l *loop) fail(c *Conn, err error) {
	if c.ends != open {
		l.remove(c, c.ends.String(), nil)
		return
	}
	l.remove(c, "reset", err)
}

// remove takes the connection out of the loop and calls Ended.
func (l *loop) remove(c *Conn, by string, err error) {
	if c.pending != nil {
		l.Buffers.Put(c.pending)
		c.pending = nil
	}
	end := End{By: by, Err: err, Received: c.received, Sent: c.sent, Duration: time.Since(c.born), FirstByte: c.first}
	if by == "reset" && l.Unacknowledged {
		end.Unacknowledged = max(c.queued(), 0)
	}
	l.conns[c.fd] = nil
	l.Ended(c, end)
}

// sysRead and sysWrite are read(2) and send(2) on a non-blocking socket, without the
// notice to the Go scheduler that a call may block.
func sysRead(fd int32, b []byte) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return int(n), errno
}

func sysWrite(fd int32, b []byte) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

func again(errno syscall.Errno) bool { return errno == unix.EAGAIN || errno == unix.EINTR }

// queued is how many bytes the kernel has still to deliver (SIOCOUTQ); our FIN
// counts as one.
func (c *Conn) queued() int64 {
	n, err := unix.IoctlGetInt(int(c.fd), unix.SIOCOUTQ)
	if err != nil {
		return 0
	}
	return int64(n)
}
