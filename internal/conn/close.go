package conn

import (
	"errors"
	"io"
	"net"
	"time"
)

// CloseInOrder closes c so that the peer sees an end of file and no reset: it shuts
// the sending direction down, discards what the peer sends until its end of file, or
// for at most limit, and closes.
func CloseInOrder(c net.Conn, limit time.Duration) error {
	if w, ok := c.(interface{ CloseWrite() error }); ok {
		if err := w.CloseWrite(); err != nil {
			return errors.Join(err, c.Close())
		}
	}
	_ = c.SetReadDeadline(time.Now().Add(limit)) // it fails only on a closed connection
	buf := make([]byte, 32<<10)
	var err error
	for err == nil {
		_, err = c.Read(buf)
	}
	closed := c.Close()
	var ne net.Error
	if err == io.EOF || errors.As(err, &ne) && ne.Timeout() {
		return closed
	}
	return errors.Join(err, closed)
}

// Reset ends c at once by a RST (SO_LINGER with a linger time of 0,
// socket(7)): queued bytes of both directions are lost, and the peer's next call
// fails with ECONNRESET. Where there is no RST, as between Unix sockets, it is
// an ordinary close. If c wraps another connection (NetConn), that one is reset.
func Reset(c net.Conn) error {
	for {
		above, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		c = above.NetConn()
	}
	if l, ok := c.(interface{ SetLinger(int) error }); ok {
		_ = l.SetLinger(0) // then it is closed as it is
	}
	return c.Close()
}
