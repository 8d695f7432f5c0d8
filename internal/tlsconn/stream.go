// Package tlsconn is TLS above a connection: the files that make a
// configuration ([Options]), the handshake ([Client], [Server]), a [Stream] with
// half-closes and an end that cannot be mistaken, and words for what goes wrong.
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

// A Stream is a TLS connection above another one, with half-closes and with
// ends that cannot be mistaken.
//
// CloseWrite sends close_notify and nothing else: there is no FIN before Close,
// since TLS may still have to answer for us, and the other direction goes on
// for as long as the peer likes. The end of what the peer sends is io.EOF only
// if its close_notify said so; a TCP connection that merely ends, in the middle
// of a record or between two, is an [conn.Error] of kind [conn.CutShort] (RFC 8446, 6.1).
//
// Deadlines go to the connection below. As with [tls.Conn], nothing can be
// written any more after a write has timed out.
type Stream struct {
	tls  *tls.Conn
	wire *wire

	silent     bool // no close_notify is sent, on purpose
	closeWrite sync.Once
	closeErr   error
	ended      atomic.Bool // close_notify is on its way
	said       atomic.Bool // the peer has said something
	// heard is closed when no more can be read; alert is the refusal that ended
	// it, if one did.
	heard     chan struct{}
	heardOnce sync.Once
	alert     *conn.Error
}

// Facts are what a finished handshake has settled.
type Facts struct {
	// Version and Cipher are "TLS 1.3" and "TLS_AES_128_GCM_SHA256".
	Version, Cipher string
	// ALPN is the protocol that was chosen; empty is none.
	ALPN string
	// Fingerprint is the SHA-256 of the peer's certificate in lower-case
	// hexadecimal; empty if it showed none.
	Fingerprint string
	// Peer is the subject of the peer's certificate, as the peer wrote it.
	Peer string
	// ServerName is the name that the client asked for (SNI); empty is none.
	ServerName string
}

// Client performs the handshake of a client over c, within ctx. When it
// fails, c has been closed.
func Client(ctx context.Context, c net.Conn, config *tls.Config) (*Stream, error) {
	w := &wire{Conn: c}
	return handshake(ctx, w, tls.Client(w, config))
}

// Server performs the handshake of a server over c, within ctx and limits. When
// it fails, c has been closed.
func Server(ctx context.Context, c net.Conn, config *tls.Config, limits Limits) (*Stream, error) {
	w := &wire{Conn: c}
	ctx, stop := limits.start(ctx, w)
	defer stop()
	return handshake(ctx, w, tls.Server(w, config))
}

// lastWords is for how long a connection whose handshake failed is still read,
// so that our alert gets through before the connection ends.
const lastWords = 500 * time.Millisecond

func handshake(ctx context.Context, w *wire, t *tls.Conn) (*Stream, error) {
	if err := t.HandshakeContext(ctx); err != nil {
		if passed, ok := errors.AsType[*limitError](context.Cause(ctx)); ok {
			err = passed
		}
		failed := handshakeError(w.RemoteAddr(), err)
		if alert := w.plainAlert(); alert != nil && failed.Why == conn.TLS {
			failed.Err = alertMeans(alert)
		}
		if failed.Why != conn.Timeout && ctx.Err() == nil {
			_ = conn.CloseInOrder(w.Conn, lastWords)
		} else {
			_ = w.Close()
		}
		return nil, failed
	}
	w.progress = nil
	return &Stream{tls: t, wire: w, heard: make(chan struct{})}, nil
}

// Facts returns what the handshake has settled.
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

// Read reads what the peer says. See [Stream] for how it ends.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.tls.Read(p)
	if n > 0 {
		s.said.Store(true)
	}
	if err == nil {
		return n, nil
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return n, err // it can be read again after a new deadline
	}
	switch broken := talkError(err, s.said.Load()); {
	case err == io.EOF && !s.wire.ended.Load():
	case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
		err = s.cutShort()
	case broken != nil:
		s.heardOnce.Do(func() { s.alert = broken; close(s.heard) })
		return n, broken
	}
	s.heardOnce.Do(func() { close(s.heard) })
	return n, err
}

// cutShort is an end of TCP that is none of TLS. Some servers answer our
// close_notify so (nginx does), whether or not they have said all.
func (s *Stream) cutShort() error {
	words := "cut short: the connection ended without close_notify"
	if s.ended.Load() {
		words += ", in answer to ours"
	}
	return &conn.Error{Why: conn.CutShort, Op: "TLS", Err: errors.New(words)}
}

// Write sends p. A peer that refuses us (no certificate, a wrong one) may reset
// the connection right behind its alert: what Read hears within a moment is
// then the reason why the write failed.
func (s *Stream) Write(p []byte) (int, error) {
	n, err := s.tls.Write(p)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		select {
		case <-s.heard:
			if s.alert != nil {
				return n, s.alert
			}
		case <-time.After(lastWords):
		}
	}
	return n, err
}

// CloseWrite tells the peer by close_notify that nothing more will be sent. It
// waits for as long as the peer lets it, up to the write deadline.
func (s *Stream) CloseWrite() error {
	s.closeWrite.Do(func() {
		s.ended.Store(true)
		if s.silent {
			return
		}
		before := s.wire.written.Load()
		s.closeErr = s.tls.CloseWrite()
		if socket, ok := s.wire.Conn.(*conn.Socket); ok && s.closeErr == nil {
			socket.Trailer(s.wire.written.Load() - before)
		}
	})
	return s.closeErr
}

// Close sends close_notify unless CloseWrite has, giving it a moment if the
// peer does not read, and closes the connection below. To end it as broken, so
// that the peer takes nothing for complete, close [Stream.NetConn] instead.
func (s *Stream) Close() error {
	if s.silent {
		return s.wire.Close()
	}
	_ = s.wire.Conn.SetWriteDeadline(time.Now().Add(lastWords)) // it fails only on a closed connection
	err := s.tls.Close()
	if err != nil && strings.HasPrefix(err.Error(), "tls: failed to send closeNotify alert (but connection was closed anyway)") {
		return nil
	}
	return err
}

// NetConn returns the connection below.
func (s *Stream) NetConn() net.Conn { return s.wire.Conn }

// LocalAddr returns the address of this side.
func (s *Stream) LocalAddr() net.Addr { return s.wire.LocalAddr() }

// RemoteAddr returns the address of the peer.
func (s *Stream) RemoteAddr() net.Addr { return s.wire.RemoteAddr() }

// SetDeadline sets both deadlines of the connection below.
func (s *Stream) SetDeadline(t time.Time) error { return s.wire.Conn.SetDeadline(t) }

// SetReadDeadline sets the read deadline of the connection below.
func (s *Stream) SetReadDeadline(t time.Time) error { return s.wire.Conn.SetReadDeadline(t) }

// SetWriteDeadline sets the write deadline of the connection below.
func (s *Stream) SetWriteDeadline(t time.Time) error { return s.wire.Conn.SetWriteDeadline(t) }

// A wire is the connection below a TLS connection. It notes whether the peer's
// bytes have ended, and leaves the write deadline to its user: crypto/tls would
// give its close_notify five seconds and then set the deadline into the past,
// and a peer that reads slowly would lose the end of an upload.
type wire struct {
	net.Conn
	ended   atomic.Bool
	written atomic.Int64 // bytes
	// progress is the clock of the handshake; nil is none, as afterwards.
	progress *conn.Progress
	last     [7]byte // bytes read
}

// plainAlert is the alert that the peer's bytes end with, if they end with one in
// plain text (RFC 8446, 5.1 and 6). A client that does not trust our certificate
// has no keys yet to send it under, where we have some already to read it with.
func (w *wire) plainAlert() error {
	const alertRecord, fatal = 21, 2
	if l := w.last; l[0] == alertRecord && l[1] == 3 && l[3] == 0 && l[4] == 2 && l[5] == fatal {
		return tls.AlertError(l[6])
	}
	return nil
}

func (w *wire) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.written.Add(int64(n))
	if n > 0 {
		w.progress.Touch()
	}
	return n, err
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.progress.Touch()
	}
	if kept := min(n, len(w.last)); kept > 0 {
		copy(w.last[:], w.last[kept:])
		copy(w.last[len(w.last)-kept:], p[n-kept:n])
	}
	if err == io.EOF && n == 0 && len(p) > 0 {
		w.ended.Store(true)
	}
	if err == io.EOF && n > 0 {
		err = nil // these bytes may be the close_notify; the end comes next
	}
	return n, err
}

func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
