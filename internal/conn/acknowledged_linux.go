package conn

import (
	"cmp"
	"context"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// Unacknowledged returns how many bytes written to the socket the peer's kernel
// has not acknowledged (TCP, SIOCOUTQ of tcp(7)) or the peer has not read (Unix
// sockets, where the kernel counts its own memory rather than bytes, so that it
// is an upper bound). Our FIN and TLS's close_notify do not count.
func (s *Socket) Unacknowledged() int64 {
	n := s.queued()
	if n > 0 && s.finSent.Load() && s.isTCP() {
		n-- // the FIN has a sequence number, too, and it is the last
	}
	return max(n-s.trailer.Load(), 0)
}

func (s *Socket) isTCP() bool {
	_, ok := s.Conn.(*net.TCPConn)
	return ok
}

// queued is SIOCOUTQ as the kernel counts it.
func (s *Socket) queued() int64 {
	n := 0 // also on an error
	_ = s.raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	return int64(n)
}

// Acknowledged blocks until the peer's kernel has acknowledged all that was
// written and, after CloseWrite, our FIN. It returns an error of the kind
// [NotDelivered] if that cannot happen any more, or ctx's error.
//
// On TCP the acknowledgement of the FIN changes the state of the connection, which
// wakes the poller. Without a FIN, on MPTCP and on Unix sockets, the queue is polled.
func (s *Socket) Acknowledged(ctx context.Context) error {
	if s.isTCP() && s.finSent.Load() && !s.multipath() {
		stop := context.AfterFunc(ctx, func() { _ = s.SetWriteDeadline(time.Unix(1, 0)) })
		defer stop()
		err := s.raw.Write(func(fd uintptr) bool { return finished(int(fd)) })
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return s.deliveryError(err)
	}
	for pause := queueFirst; ; pause = min(pause*3/2, queueMost) {
		if s.queued() == 0 || s.failed() {
			return s.deliveryError(nil)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// finished reports whether our FIN was acknowledged or the connection is gone: its state
// (include/net/tcp_states.h) is FIN_WAIT2, TIME_WAIT or CLOSE.
func finished(fd int) bool {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	return err != nil || info.State >= unix.BPF_TCP_FIN_WAIT2 && info.State <= unix.BPF_TCP_CLOSE
}

// mptcpInfo is MPTCP_INFO of linux/mptcp.h.
const mptcpInfo = 1

// multipath reports whether the connection uses MPTCP: then the state in TCP_INFO is that
// of one path, which both sides keep open until both have ended. TCPConn.MultipathTCP
// would open sockets first, to see what the system supports.
func (s *Socket) multipath() (multi bool) {
	_ = s.raw.Control(func(fd uintptr) {
		_, err := unix.GetsockoptInt(int(fd), unix.SOL_MPTCP, mptcpInfo)
		multi = err == nil
	})
	return multi
}

// failed reports whether the connection is reset. On TCP it has no peer any more, also
// after the error was read. POLLHUP would not do: it is set once both directions are shut
// down, with bytes still in the queue.
func (s *Socket) failed() (failed bool) {
	_ = s.raw.Control(func(fd uintptr) {
		failed = pollNow(int(fd), 0)&unix.POLLERR != 0
		if s.isTCP() && !failed {
			_, err := unix.Getpeername(int(fd))
			failed = err == unix.ENOTCONN
		}
	})
	return failed
}

// alive reports whether a TCP connection has not failed.
func (s *Socket) alive() bool { return s.isTCP() && !s.failed() }

// Broken reports whether a TCP connection that we have not half-closed has failed,
// although a read may return its end of file: the kernel reports a failure once, perhaps
// to a write.
func (s *Socket) Broken() bool { return s.isTCP() && !s.finSent.Load() && s.failed() }

// deliveryError returns an error if bytes remain that will never be delivered. It reads
// the queue before the error: a Unix peer that closes with bytes unread sets the
// error before it discards them.
func (s *Socket) deliveryError(err error) error {
	left := s.Unacknowledged()
	if err != nil || left == 0 && s.isTCP() {
		return err // reading SO_ERROR would clear it for the next read
	}
	pending := pendingError(s.raw)
	if left == 0 && pending == nil {
		return nil
	}
	return &Error{Why: NotDelivered, Err: cmp.Or(pending, errSeen)}
}

// peerEOF reports whether a read of 0 bytes was the peer's end of file rather than an
// empty message of a unixpacket socket. An empty message directly before the end is
// taken for the end.
func (s *Socket) peerEOF() bool {
	shut := true
	_ = s.raw.Control(func(fd uintptr) { shut = pollNow(int(fd), unix.POLLRDHUP) != 0 })
	return shut && s.readable() == 0
}
