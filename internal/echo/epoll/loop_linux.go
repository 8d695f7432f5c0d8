package epoll

import (
	"cmp"
	"errors"
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
	began time.Time

	mu     sync.Mutex
	conns  []*Conn       // by descriptor
	next   time.Duration // when the next sweep is due
	buf    []byte
	events [128]unix.EpollEvent
}

// A Conn is one connection. Number and Owner are the caller's.
type Conn struct {
	Number int64
	Owner  any

	fd             int32
	state          state
	idle           bool           // the idle limit has passed
	ends           string         // why it is closed from this side: timeout, signal; empty if it is not
	remote         netip.AddrPort // invalid for Unix sockets
	received, sent int64
	born, first    time.Duration
	progress       conn.Progress
	due            time.Duration // when check is: for a limit, or at a closing connection's end
	pending        *[]byte
	rest           []byte // the part of pending that is not written
}

type state uint8

const (
	reading state = iota
	writing       // pending is not empty: the peer does not read
	closing       // our FIN is sent; received bytes are discarded
)

func newLoop(config Config) (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	_ = unix.SetNonblock(fd, true) // if it fails, so does SetReadDeadline
	l := &loop{
		Config: config, epoll: fd, file: os.NewFile(uintptr(fd), "epoll"),
		began: time.Now(), next: never, buf: make([]byte, 64<<10),
	}
	l.Idle, l.Deadline = limited(config.Idle), limited(config.Deadline)
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
	for {
		if err := l.raw.Read(l.poll); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return // Stop has closed the file
		}
		l.mu.Lock()
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
		due := l.now() >= l.next
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
	c.born = l.now()
	c.progress.Start()
	c.progress.Queued = c.queued
	c.due = c.born + min(l.Idle/4, l.Deadline)
	if err := l.watch(c, unix.EPOLL_CTL_ADD); err != nil {
		return err
	}
	l.conns[c.fd] = c
	if c.due < l.next {
		l.sweepAt(c.due)
	}
	return nil
}

// watch makes the loop wait for what a connection in its state waits for.
func (l *loop) watch(c *Conn, op int) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: c.fd}
	if c.state == writing {
		e.Events = unix.EPOLLOUT
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(l.epoll), uintptr(op), uintptr(c.fd), uintptr(unsafe.Pointer(&e)), 0, 0)
	_, err := result(n, errno)
	return err
}

// become changes the state of a connection.
func (l *loop) become(c *Conn, s state) {
	c.state = s
	if err := l.watch(c, unix.EPOLL_CTL_MOD); err != nil {
		l.remove(c, err)
	}
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
	n, err := sysRead(c.fd, l.buf)
	if n == 0 {
		if !again(err) {
			l.remove(c, err) // nil at the peer's end of file
		}
		return
	}
	c.progress.Touch()
	if c.received == 0 {
		c.first = l.now() - c.born
	}
	c.received += int64(n)
	l.Received.Add(int64(n))
	w, err := l.write(c, l.buf[:n])
	switch {
	case w == n:
	case err != nil && !again(err):
		l.remove(c, err)
	default:
		c.pending = l.Buffers.Get().(*[]byte)
		c.rest = (*c.pending)[:copy(*c.pending, l.buf[w:n])]
		l.become(c, writing)
	}
}

// write writes what the kernel takes.
func (l *loop) write(c *Conn, b []byte) (n int, err error) {
	n, err = sysWrite(c.fd, b)
	c.sent += int64(n)
	l.Sent.Add(int64(n))
	return n, err
}

// flush writes pending data, and resumes reading when all of it is written.
func (l *loop) flush(c *Conn) {
	n, err := l.write(c, c.rest)
	if err != nil {
		if !again(err) {
			l.remove(c, err)
		}
		return
	}
	c.progress.Touch()
	if c.rest = c.rest[n:]; len(c.rest) > 0 {
		return
	}
	l.Buffers.Put(c.pending)
	c.pending, c.rest = nil, nil
	if c.ends != "" {
		l.shut(c)
		return
	}
	l.become(c, reading)
}

// end begins to close a connection in order: it writes pending data if the peer
// reads, the text of Farewell and our FIN, and discards what it receives. After Drain
// at most the socket is closed.
func (l *loop) end(c *Conn, why string) {
	c.ends, c.due = why, l.now()+l.Drain
	if c.state == reading {
		l.shut(c)
	}
}

// shut sends the text of Farewell and our FIN.
func (l *loop) shut(c *Conn) {
	_, _ = l.write(c, []byte(l.Farewell)) // the peer may be gone already
	_ = unix.Shutdown(int(c.fd), unix.SHUT_WR)
	l.become(c, closing)
}

// drain discards what a closing connection receives. After an idle limit nothing can
// be in flight: bytes that arrive once the peer's kernel has our FIN were written by
// a peer that did not read the end of file, and are answered by a reset.
func (l *loop) drain(c *Conn) {
	n, err := sysRead(c.fd, l.buf)
	switch {
	case n > 0 && c.idle && c.queued() <= 0:
		_ = unix.SetsockoptLinger(int(c.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	case n > 0, again(err):
		return
	}
	l.remove(c, nil)
}

// remove takes the connection out of the loop and calls Ended. The failure of a connection
// that is being closed is none.
func (l *loop) remove(c *Conn, err error) {
	if c.pending != nil {
		l.Buffers.Put(c.pending)
		c.pending = nil
	}
	end := End{By: cmp.Or(c.ends, "peer"), Received: c.received, Sent: c.sent, Duration: l.now() - c.born, FirstByte: c.first}
	if err != nil && c.ends == "" {
		end.By, end.Err = "reset", err
		if l.Unacknowledged {
			end.Unacknowledged = c.queued()
		}
	}
	l.conns[c.fd] = nil
	l.Ended(c, end)
}

// sysRead and sysWrite are read(2) and send(2) on a non-blocking socket, without the
// notice to the Go scheduler that a call may block.
func sysRead(fd int32, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return result(n, errno)
}

func sysWrite(fd int32, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0)
	return result(n, errno)
}

func result(n uintptr, errno syscall.Errno) (int, error) {
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func again(err error) bool { return err == unix.EAGAIN || err == unix.EINTR }

// queued is how many bytes the kernel has still to deliver (SIOCOUTQ); our FIN
// counts as one.
func (c *Conn) queued() int64 {
	n, err := unix.IoctlGetInt(int(c.fd), unix.SIOCOUTQ)
	if err != nil {
		return 0
	}
	return int64(n)
}
