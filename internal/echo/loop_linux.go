package echo

import (
	"cmp"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A loop echoes plain connections, as many as there are, in one goroutine. It
// asks an epoll(7) descriptor what can be read, reads once and writes at once;
// when there is nothing it is parked in the runtime's own poller, in which the
// epoll descriptor is registered like a socket. What a peer does not take is
// kept, one read of it at most, and the peer is not read from until it does.
//
// There is one clock for all: every connection carries the time of its last
// byte, and a sweep over them computes when the next sweep can matter.
type loop struct {
	server *Server
	epoll  int
	file   *os.File // the epoll descriptor, for the runtime's poller
	raw    syscall.RawConn
	start  time.Time
	done   chan struct{} // closed when run has returned

	mu     sync.Mutex
	peers  []*peer // by descriptor
	live   int
	next   int64 // when the next sweep is due; 0: no clock runs
	now    int64
	stop   bool
	buf    []byte
	events [128]unix.EpollEvent
}

// A peer is one connection of a loop. Times are nanoseconds since the loop's
// start.
type peer struct {
	fd             int32
	state          peerState
	cause          peerCause
	number         int64
	endpoint       *Socket
	remote         netip.AddrPort // invalid for Unix sockets
	received, sent int64
	born, first    int64
	last           int64 // when a byte last moved
	sampled        int64 // last, when queued was read
	queued         int64 // what the kernel had still to deliver then
	until          int64 // the end of a closing peer
	pending        *[]byte
	from, to       int // the part of pending that is not written
}

type peerState uint8

const (
	peerReading peerState = iota
	peerWriting           // what it sent waits until it reads
	peerClosing           // our half is shut; what comes is thrown away
)

type peerCause uint8

const (
	notClosed peerCause = iota
	byIdle
	byDeadline
	bySignal
)

// startLoops makes the loops: one for every two processors, since the clients
// of a busy echo server are as busy.
func (s *Server) startLoops(sockets []Socket) {
	if !s.plain() || !slices.ContainsFunc(sockets, Socket.loopable) {
		return
	}
	for range max(runtime.GOMAXPROCS(0)/2, 1) {
		l, err := newLoop(s)
		if err != nil {
			break // each connection has its goroutine then
		}
		s.loops = append(s.loops, l)
		go l.run()
	}
}

// loopable reports whether a loop can serve the socket's connections.
func (s Socket) loopable() bool {
	if s.Listener == nil || s.TLS != nil || s.Messages {
		return false
	}
	switch s.Listener.Addr().(type) {
	case *net.TCPAddr, *net.UnixAddr:
		return true
	}
	return false
}

// stopLoops ends the loops, which have no peers any more.
func (s *Server) stopLoops() {
	for _, l := range s.loops {
		l.mu.Lock()
		l.stop = true
		l.mu.Unlock()
		_ = l.file.SetReadDeadline(time.Unix(1, 0))
		<-l.done
	}
}

func newLoop(s *Server) (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	l := &loop{
		server: s, epoll: fd, file: os.NewFile(uintptr(fd), "epoll"),
		start: time.Now(), done: make(chan struct{}), buf: make([]byte, bufferSize),
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

// run serves until stopLoops.
func (l *loop) run() {
	defer close(l.done)
	defer l.file.Close() //nolint:errcheck // nothing was written to it
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

// poll handles what is ready until nothing is; it returns true when a sweep is
// due.
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
			if i%16 == 0 { // a clock that is late closes early
				l.now = l.clock()
			}
			e := &l.events[i]
			// A peer that was closed earlier in this batch has left its place.
			if p := l.peers[e.Fd]; p != nil {
				l.handle(p)
			}
		}
		due := l.next != 0 && l.now >= l.next
		l.mu.Unlock()
		if due {
			return true
		}
	}
}

func (l *loop) clock() int64 { return int64(time.Since(l.start)) }

// add takes a connected, non-blocking socket into the loop.
func (l *loop) add(p *peer) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for int(p.fd) >= len(l.peers) {
		l.peers = append(l.peers, nil)
	}
	p.born = l.clock()
	p.last, p.sampled = p.born, -1
	if err := l.watch(p, unix.EPOLL_CTL_ADD, unix.EPOLLIN); err != nil {
		return err
	}
	l.peers[p.fd] = p
	l.live++
	if due := l.due(p, p.born); due != 0 && (l.next == 0 || due < l.next) {
		l.wakeAt(due)
	}
	return nil
}

func (l *loop) watch(p *peer, op int, events uint32) error {
	e := unix.EpollEvent{Events: events, Fd: p.fd}
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(l.epoll), uintptr(op), uintptr(p.fd), uintptr(unsafe.Pointer(&e)), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// handle does what can be done for a peer that is ready.
func (l *loop) handle(p *peer) {
	switch p.state {
	case peerReading:
		l.read(p)
	case peerWriting:
		l.flush(p)
	case peerClosing:
		l.drain(p)
	}
}

// read reads once and writes what came.
func (l *loop) read(p *peer) {
	n, errno := sysRead(p.fd, l.buf)
	switch {
	case n > 0:
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return
	case errno != 0:
		l.fail(p, errno)
		return
	default:
		l.close(p, "peer")
		return
	}
	if p.received == 0 {
		p.first = l.now - p.born
	}
	p.received += int64(n)
	p.last = l.now
	l.server.Totals.Received.Add(int64(n))
	w, errno := sysWrite(p.fd, l.buf[:n])
	if w > 0 {
		l.wrote(p, w)
	}
	switch {
	case w == n:
	case errno != 0 && errno != unix.EAGAIN && errno != unix.EINTR:
		l.fail(p, errno)
	default:
		p.pending = borrow()
		p.from, p.to = 0, copy(*p.pending, l.buf[max(w, 0):n])
		p.state = peerWriting
		if err := l.watch(p, unix.EPOLL_CTL_MOD, unix.EPOLLOUT); err != nil {
			l.fail(p, err)
		}
	}
}

func (l *loop) wrote(p *peer, n int) {
	p.sent += int64(n)
	p.last = l.now
	l.server.Totals.Sent.Add(int64(n))
}

// flush writes what waits, and reads on once all of it is written.
func (l *loop) flush(p *peer) {
	n, errno := sysWrite(p.fd, (*p.pending)[p.from:p.to])
	switch {
	case n > 0:
		l.wrote(p, n)
		p.from += n
	case errno != unix.EAGAIN && errno != unix.EINTR:
		l.fail(p, errno)
		return
	}
	if p.from < p.to {
		return
	}
	giveBack(p.pending)
	p.pending = nil
	if p.cause != notClosed {
		l.shut(p)
		return
	}
	p.state = peerReading
	if err := l.watch(p, unix.EPOLL_CTL_MOD, unix.EPOLLIN); err != nil {
		l.fail(p, err)
	}
}

// end begins to close a peer in order: what waits is written if the peer takes
// it, then the farewell; our half is shut, what still comes is thrown away, and
// after drainLimit at most the socket is closed.
func (l *loop) end(p *peer, cause peerCause) {
	p.cause, p.until = cause, l.now+int64(drainLimit)
	if p.state == peerReading {
		l.shut(p)
	}
}

// shut says farewell and shuts our half.
func (l *loop) shut(p *peer) {
	if farewell := l.server.Farewell; farewell != "" && p.cause != notClosed {
		if n, _ := sysWrite(p.fd, []byte(farewell)); n > 0 {
			l.wrote(p, n)
		}
	}
	p.state = peerClosing
	_ = unix.Shutdown(int(p.fd), unix.SHUT_WR) // the peer may be gone already
	if err := l.watch(p, unix.EPOLL_CTL_MOD, unix.EPOLLIN); err != nil {
		l.remove(p, p.endedBy())
	}
}

// drain throws away what comes from a peer that is being closed. After an idle
// limit see [client.drain].
func (l *loop) drain(p *peer) {
	n, errno := sysRead(p.fd, l.buf)
	switch {
	case n > 0 && p.cause == byIdle && outstanding(p.fd) <= 0:
		_ = unix.SetsockoptLinger(int(p.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		l.remove(p, p.endedBy())
	case n > 0, errno == unix.EAGAIN, errno == unix.EINTR:
	default:
		l.remove(p, p.endedBy())
	}
}

// fail ends a peer whose socket failed.
func (l *loop) fail(p *peer, err error) {
	if p.cause != notClosed {
		l.remove(p, p.endedBy())
		return
	}
	l.report(p, Event{Kind: Failed, Err: err})
	l.remove(p, "reset")
}

// close ends a peer that has ended itself and has everything.
func (l *loop) close(p *peer, by string) { l.remove(p, by) }

// remove closes the socket and forgets the peer.
func (l *loop) remove(p *peer, by string) {
	s := l.server
	if p.pending != nil {
		giveBack(p.pending)
		p.pending = nil
	}
	left := int64(0)
	if by == "reset" && s.Trace {
		left = max(outstanding(p.fd), 0)
	}
	if s.Trace {
		l.report(p, Event{
			Kind: Closed, Received: p.received, Sent: p.sent, Unacknowledged: left,
			Duration: time.Duration(l.clock() - p.born), FirstByte: time.Duration(p.first), EndedBy: by,
		})
	}
	l.peers[p.fd] = nil
	l.live--
	_, _, _ = unix.RawSyscall(unix.SYS_CLOSE, uintptr(p.fd), 0, 0)
	s.Totals.Now.Add(-1)
	s.gate.leave()
	s.live.Done()
}

func (p *peer) endedBy() string {
	if p.cause == bySignal {
		return "signal"
	}
	return "timeout"
}

// report completes e with what is known of the peer.
func (l *loop) report(p *peer, e Event) {
	e.Number, e.Endpoint, e.Remote, e.Local = p.number, p.endpoint.Name, "unnamed", ""
	if p.remote.IsValid() {
		e.Remote = p.remote.String()
	} else if sa, err := unix.Getpeername(int(p.fd)); err == nil { // of a Unix socket, which nothing is kept of
		e.Remote = cmp.Or(sockaddrName(sa), e.Remote)
	}
	if sa, err := unix.Getsockname(int(p.fd)); err == nil {
		e.Local = sockaddrName(sa)
	}
	l.server.report(e)
}

// endAll begins to close all peers, and says how many there are.
func (l *loop) endAll() (closed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = l.clock()
	for _, p := range l.peers {
		if p != nil && p.cause == notClosed {
			l.end(p, bySignal)
			closed++
		}
	}
	l.wakeAt(l.now + int64(drainLimit)/100)
	return closed
}

// sysRead and sysWrite are read(2) and send(2) on a socket that does not block:
// the scheduler need not hear of them.
func sysRead(fd int32, b []byte) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return int(n), errno
}

func sysWrite(fd int32, b []byte) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

// outstanding is how much the kernel has still to deliver (SIOCOUTQ), our FIN
// included.
func outstanding(fd int32) int64 {
	n, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	if err != nil {
		return 0
	}
	return int64(n)
}
