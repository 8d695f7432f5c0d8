// Package tlsconn is TLS above a connection: the configuration and its files
// ([Options]), the handshake ([Client], [Server]), a [Stream] with half-closes, and
// diagnostics for what fails.
//
// A failed handshake is a [conn.Error] of kind [conn.TLS], or [conn.Timeout].
package tlsconn

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
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

	notified atomic.Bool // our close_notify is sent, or about to be
	received atomic.Bool // the peer has sent data
	// reading ends when Read has returned its last error, which is the cause if it is an
	// alert.
	reading context.Context
	endRead context.CancelCauseFunc
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
	ctx, stop := limits.start(ctx, c)
	defer stop()
	return handshake(ctx, t, tls.Server(t, config))
}

func handshake(ctx context.Context, t *transport, c *tls.Conn) (*Stream, error) {
	if err := c.HandshakeContext(ctx); err != nil {
		if passed, ok := errors.AsType[*failure](context.Cause(ctx)); ok {
			err = passed
		}
		failed := handshakeError(t.RemoteAddr(), err)
		if t.alert != nil && failed.Why == conn.TLS {
			failed.Err = errors.New(refusedBy(alertName(t.alert)))
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
	s := &Stream{Conn: t.Conn, tls: c, below: t}
	s.reading, s.endRead = context.WithCancelCause(context.Background())
	return s, nil
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
	if broken := streamError(err, s.received.Load()); broken != nil {
		s.endRead(broken)
		return n, broken
	}
	s.endRead(nil)
	if errors.Is(err, errFIN) {
		err = s.cutShort()
	}
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
		case <-s.reading.Done():
			if alert, ok := errors.AsType[*conn.Error](context.Cause(s.reading)); ok {
				return n, alert
			}
		case <-time.After(alertWait):
		}
	}
	return n, err
}

// CloseWrite sends close_notify. It waits until the kernel takes it, up to the write
// deadline.
func (s *Stream) CloseWrite() error {
	s.notified.Store(true)
	if s.noCloseNotify {
		return nil
	}
	before := s.below.written.Load()
	err := s.tls.CloseWrite() // a second call returns the first one's error
	trailer := s.below.written.Load() - before
	if socket, ok := s.Conn.(*conn.Socket); ok && err == nil && trailer > 0 {
		socket.Trailer(trailer)
	}
	return err
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

// A transport is the connection below TLS. Its EOF is errFIN. It ignores the write deadlines
// that crypto/tls sets: five seconds for close_notify, and then one in the past, by which
// a peer that reads slowly would lose the end of an upload.
type transport struct {
	net.Conn
	written atomic.Int64 // bytes
	alert   error        // the unencrypted alert at the end of what a Read returned
}

// errFIN is the end of the connection below, which crypto/tls would take for a
// close_notify if it were io.EOF.
var errFIN = fmt.Errorf("%w", io.ErrUnexpectedEOF)

// plainAlert is the beginning of a fatal alert that is not encrypted (RFC 8446, 5.1 and
// 6). A client that does not trust our certificate has no keys yet, and sends such an
// alert; crypto/tls, which expects an encrypted one, reports only a bad record.
var plainAlert = []byte{21, 3, 3, 0, 2, 2}

func (t *transport) Write(p []byte) (int, error) {
	n, err := t.Conn.Write(p)
	t.written.Add(int64(n))
	return n, err
}

func (t *transport) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	if last := n - len(plainAlert) - 1; last >= 0 && bytes.HasPrefix(p[last:n], plainAlert) {
		t.alert = tls.AlertError(p[n-1])
	}
	if err == io.EOF {
		err = errFIN
	}
	return n, err
}

func (t *transport) SetWriteDeadline(time.Time) error { return nil }
