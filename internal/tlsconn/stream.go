// Package tlsconn is TLS above a connection: the configuration and its files
// ([Options]), the handshake ([Client], [Server]), a [Stream] with half-closes, and
// diagnostics for what fails.
//
// A failed handshake is a [conn.Error] of kind [conn.TLS], or [conn.Timeout].
package tlsconn

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gcat/internal/conn"
)

// A Stream is a TLS connection above another connection, with half-closes.
//
// CloseWrite sends close_notify and no FIN: the peer may still send, and TLS may have
// to answer its KeyUpdate. Read returns io.EOF only after the peer's close_notify. If
// the connection below ends without one, within a record or between two, Read
// returns a [conn.Error] of kind [conn.CutShort] (RFC 8446, 6.1).
//
// Deadlines are those of the connection below. As with [tls.Conn], all writes after a
// write that timed out fail.
type Stream struct {
	net.Conn // the connection below: its addresses and deadlines
	tls      *tls.Conn
	below    *transport

	noCloseNotify bool // the fault [NoCloseNotify]

	closeWrite sync.Once
	closeErr   error
	notified   atomic.Bool // our close_notify is sent, or about to be
	received   atomic.Bool // the peer has sent data
	// readDone is closed when Read has returned its last error; alert is that error if
	// it is an alert.
	readDone chan struct{}
	readOnce sync.Once
	alert    *conn.Error
}

// Facts are the results of a handshake.
type Facts struct {
	// Version and Cipher are, for example, "TLS 1.3" and "TLS_AES_128_GCM_SHA256".
	Version, Cipher string
	// ALPN is the chosen protocol; empty is none.
	ALPN string
	// Fingerprint is the SHA-256 of the peer's certificate in lower-case
	// hexadecimal; empty if it presented none.
	Fingerprint string
	// Peer is the subject of the peer's certificate, unescaped.
	Peer string
	// ServerName is the name that the client asked for (SNI); empty is none.
	ServerName string
}

// Client performs the handshake of a client over c, within ctx. If it fails, it
// closes c.
func Client(ctx context.Context, c net.Conn, config *tls.Config) (*Stream, error) {
	t := &transport{Conn: c}
	return handshake(ctx, t, tls.Client(t, config))
}

// Server performs the handshake of a server over c, within ctx and limits. If it
// fails, it closes c.
func Server(ctx context.Context, c net.Conn, config *tls.Config, limits Limits) (*Stream, error) {
	t := &transport{Conn: c}
	ctx, stop := limits.start(ctx, t)
	defer stop()
	return handshake(ctx, t, tls.Server(t, config))
}

func handshake(ctx context.Context, t *transport, c *tls.Conn) (*Stream, error) {
	if err := c.HandshakeContext(ctx); err != nil {
		if passed, ok := errors.AsType[*limitError](context.Cause(ctx)); ok {
			err = passed
		}
		failed := handshakeError(t.RemoteAddr(), err)
		if alert := t.plainAlert(); alert != nil && failed.Why == conn.TLS {
			failed.Err = errors.New(refusedBy(alertName(alert)))
		}
		if failed.Why != conn.Timeout && ctx.Err() == nil {
			wait := alertWait
			if end, ok := ctx.Deadline(); ok {
				wait = min(wait, time.Until(end)/2) // report this failure, not a passed deadline
			}
			conn.CloseInOrder(t.Conn, wait)
		} else {
			_ = t.Close()
		}
		return nil, failed
	}
	t.progress = nil
	return &Stream{Conn: t.Conn, tls: c, below: t, readDone: make(chan struct{})}, nil
}

// Facts returns the results of the handshake.
func (s *Stream) Facts() Facts {
	state := s.tls.ConnectionState()
	facts := Facts{
		Version:     tls.VersionName(state.Version),
		Cipher:      tls.CipherSuiteName(state.CipherSuite),
		ALPN:        state.NegotiatedProtocol,
		ServerName:  state.ServerName,
		Fingerprint: peerFingerprint(state),
	}
	if len(state.PeerCertificates) > 0 {
		facts.Peer = state.PeerCertificates[0].Subject.String()
	}
	return facts
}

// Read reads what the peer sends. [Stream] describes its errors.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.tls.Read(p)
	if n > 0 {
		s.received.Store(true)
	}
	if err == nil {
		return n, nil
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return n, err // a later deadline makes reads possible again
	}
	switch broken := streamError(err, s.received.Load()); {
	case err == io.EOF && !s.below.eof.Load():
	case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
		err = s.cutShort()
	case broken != nil:
		s.readOnce.Do(func() { s.alert = broken; close(s.readDone) })
		return n, broken
	}
	s.readOnce.Do(func() { close(s.readDone) })
	return n, err
}

// cutShort returns the error of an end without close_notify: of a reset whose errno a
// write has got, or of a FIN. Some servers, such as nginx, send one in answer to our
// close_notify, even before all data is sent.
func (s *Stream) cutShort() error {
	if conn.SocketBelow(conn.StreamOf(s.Conn)).Broken() {
		return syscall.ECONNRESET
	}
	words := "cut short: the connection ended without close_notify"
	if s.notified.Load() {
		words += ", in answer to ours"
	}
	return &conn.Error{Why: conn.CutShort, Op: "TLS", Err: errors.New(words)}
}

// Write sends p. A peer that refuses our certificate may send an alert and then a
// reset: if Read receives the alert, Write returns that instead of the reset.
func (s *Stream) Write(p []byte) (int, error) {
	n, err := s.tls.Write(p)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		select {
		case <-s.readDone:
			if s.alert != nil {
				return n, s.alert
			}
		case <-time.After(alertWait):
		}
	}
	return n, err
}

// CloseWrite sends close_notify. It waits until the kernel takes it, up to the write
// deadline.
func (s *Stream) CloseWrite() error {
	s.closeWrite.Do(func() {
		s.notified.Store(true)
		if s.noCloseNotify {
			return
		}
		before := s.below.written.Load()
		s.closeErr = s.tls.CloseWrite()
		if socket, ok := s.Conn.(*conn.Socket); ok && s.closeErr == nil {
			socket.Trailer(s.below.written.Load() - before)
		}
	})
	return s.closeErr
}

// Close sends close_notify unless CloseWrite has, waits at most 500 ms for a peer
// that does not read, and closes the connection below. If data is missing, close
// [Stream.NetConn] instead: the peer then sees no close_notify.
func (s *Stream) Close() error {
	if s.noCloseNotify {
		return s.below.Close()
	}
	_ = s.SetWriteDeadline(time.Now().Add(alertWait)) // it fails only on a closed connection
	err := s.tls.Close()
	if err != nil && strings.HasPrefix(err.Error(), "tls: failed to send closeNotify alert (but connection was closed anyway)") {
		return nil
	}
	return err
}

// NetConn returns the connection below.
func (s *Stream) NetConn() net.Conn { return s.Conn }

// A transport is the connection below TLS. It records EOF. It ignores the write deadlines
// that crypto/tls sets: five seconds for close_notify, and then one in the past, by which
// a peer that reads slowly would lose the end of an upload.
type transport struct {
	net.Conn
	eof     atomic.Bool  // the peer's FIN was read
	written atomic.Int64 // bytes
	// progress is the idle clock of the handshake; nil after it.
	progress *conn.Progress
	last     [7]byte // the last bytes that were read
}

// plainAlert returns the unencrypted alert at the end of the received bytes; nil if
// there is none (RFC 8446, 5.1 and 6). A client that does not trust our certificate
// has no keys yet, and sends such an alert; crypto/tls, which expects an encrypted
// one, reports only a bad record.
func (t *transport) plainAlert() error {
	const alertRecord, fatal = 21, 2
	if l := t.last; l[0] == alertRecord && l[1] == 3 && l[3] == 0 && l[4] == 2 && l[5] == fatal {
		return tls.AlertError(l[6])
	}
	return nil
}

func (t *transport) Write(p []byte) (int, error) {
	n, err := t.Conn.Write(p)
	t.written.Add(int64(n))
	if n > 0 {
		t.progress.Touch()
	}
	return n, err
}

func (t *transport) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	if n > 0 {
		t.progress.Touch()
	}
	if kept := min(n, len(t.last)); kept > 0 {
		copy(t.last[:], t.last[kept:])
		copy(t.last[len(t.last)-kept:], p[n-kept:n])
	}
	if err == io.EOF && n == 0 && len(p) > 0 {
		t.eof.Store(true)
	}
	if err == io.EOF && n > 0 {
		err = nil // these bytes may be the close_notify; the next Read returns EOF
	}
	return n, err
}

func (t *transport) SetWriteDeadline(time.Time) error { return nil }
