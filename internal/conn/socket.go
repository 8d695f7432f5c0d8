package conn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"gcat/internal/errno"
)

// A Socket is an established connection as the relay sees it: every partial
// read and write touches the conversation's [Progress], and it counts what the peer's
// kernel has not acknowledged. It is a [net.Conn] and a [Stream].
type Socket struct {
	net.Conn
	meter
	raw     syscall.RawConn // noDescriptor where Conn has none
	writer  writer
	finSent atomic.Bool  // our FIN is sent, or about to be
	trailer atomic.Int64 // bytes written last that carry no data (close_notify)
}

// NewSocket wraps c.
func NewSocket(c net.Conn) *Socket { return &Socket{Conn: c, raw: rawConn(c)} }

// rawConn gives access to the descriptor of c, a connection or a listener; where it
// has none, all calls fail.
func rawConn(c any) syscall.RawConn {
	if sc, ok := c.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			return raw
		}
	}
	return noDescriptor{}
}

// noDescriptor is the descriptor of a connection that has none, or none any more.
type noDescriptor struct{}

func (noDescriptor) Control(func(uintptr)) error    { return net.ErrClosed }
func (noDescriptor) Read(func(uintptr) bool) error  { return net.ErrClosed }
func (noDescriptor) Write(func(uintptr) bool) error { return net.ErrClosed }

// bare reports whether the socket has a descriptor.
func (s *Socket) bare() bool { return s.raw != noDescriptor{} }

// StreamOf returns c as a side of a [Relay]: c itself if it wraps a Socket (TLS), else
// a Socket that wraps c.
func StreamOf(c net.Conn) Stream {
	if s, ok := c.(Stream); ok && SocketBelow(s) != nil {
		return s
	}
	return NewSocket(c)
}

// SocketBelow returns the Socket that s is or wraps; nil if there is none.
func SocketBelow(s Stream) *Socket {
	socket, _ := below[*Socket](s)
	return socket
}

// SyscallConn gives access to the descriptor.
func (s *Socket) SyscallConn() (syscall.RawConn, error) {
	if !s.bare() {
		return nil, syscall.ENOTSUP
	}
	return s.raw, nil
}

// Trailer notes that the n bytes written last carry no data (TLS's close_notify):
// whether they are acknowledged does not matter.
func (s *Socket) Trailer(n int64) { s.trailer.Store(n) }

// NetConn returns the connection that s wraps.
func (s *Socket) NetConn() net.Conn { return s.Conn }

func (s *Socket) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if n > 0 {
		s.progress.Touch()
	}
	return n, errno.Posix(err)
}

// Write writes all of p, and touches the clock whenever the kernel took some.
func (s *Socket) Write(p []byte) (int, error) {
	if !s.bare() {
		n, err := s.Conn.Write(p)
		s.progress.Touch()
		return n, errno.Posix(err)
	}
	return s.writeAll(p)
}

// errSeen is the failure of a connection whose errno a read has got: the kernel reports
// it once.
var errSeen = fmt.Errorf("%w", syscall.ECONNRESET)

// CloseWrite shuts the sending half down (shutdown(2), SHUT_WR); the peer sees
// an end of file once it has read all that was written before.
func (s *Socket) CloseWrite() error {
	s.finSent.Store(true)
	w, ok := s.Conn.(interface{ CloseWrite() error })
	if !ok {
		return nil
	}
	err := w.CloseWrite()
	s.finSent.Store(err == nil)
	return errno.Posix(err)
}

// Interrupt makes the reads that block, and all later ones, return at once with
// [os.ErrDeadlineExceeded].
func (s *Socket) Interrupt() { _ = s.SetReadDeadline(time.Unix(1, 0)) }

// ErrLeft is the error of a peer that has closed in order.
var ErrLeft = &Error{Why: ResetByPeer, Err: errors.New("the peer has left")}

// Left returns nil unless Gone would return at once. Else it returns what the kernel has to
// report of the connection, as a reset, or [ErrLeft].
func (s *Socket) Left() error {
	if !s.IsGone() {
		return nil
	}
	return cmp.Or[error](pendingError(s.raw), ErrLeft)
}

// UntilGone returns a context that ends with ctx, or when peer is gone (see Gone) and has
// left nothing to read; the cause is then that it left before target was reached. Nothing
// may be read before stop has returned.
func (s *Socket) UntilGone(ctx context.Context, peer, target string) (_ context.Context, stop func()) {
	if s == nil || !s.bare() {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() { // ends by Interrupt
		defer close(done)
		if s.Gone() == nil && s.readable() == 0 {
			cancel(&Error{Why: ResetByPeer, Op: "receive from " + peer, Err: fmt.Errorf("it left before %s was reached", target)})
		}
	}()
	return ctx, func() {
		s.Interrupt()
		<-done
		_ = s.SetReadDeadline(time.Time{}) // it fails only on a closed connection
		cancel(nil)
	}
}

// Reset ends the connection by a RST; see [Reset].
func (s *Socket) Reset() error { return Reset(s.Conn) }

// CloseInOrder closes c so that the peer sees an end of file and no reset: it shuts
// the sending direction down, discards what the peer sends until its end of file, or
// for at most limit, and closes.
func CloseInOrder(c net.Conn, limit time.Duration) {
	defer c.Close()
	if w, ok := c.(interface{ CloseWrite() error }); ok && w.CloseWrite() != nil {
		return // the peer is gone
	}
	_ = c.SetReadDeadline(time.Now().Add(limit)) // it fails only on a closed connection
	_, _ = io.Copy(io.Discard, c)
}

// Reset ends c at once by a RST (SO_LINGER with a linger time of 0,
// socket(7)): queued bytes of both directions are lost, and the peer's next call
// fails with ECONNRESET. Where there is no RST, as between Unix sockets, it is
// an ordinary close. If c wraps another connection (NetConn), that one is reset.
func Reset(c net.Conn) error {
	if above, ok := c.(interface{ NetConn() net.Conn }); ok {
		return Reset(above.NetConn())
	}
	if l, ok := c.(interface{ SetLinger(int) error }); ok {
		_ = l.SetLinger(0) // then it is closed as it is
	}
	return c.Close()
}
