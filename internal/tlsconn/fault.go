package tlsconn

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"time"

	"gcat/internal/conn"
)

// A Fault is one thing that a server does wrong on purpose, to test clients. The
// empty one is none.
type Fault string

// The faults. The first four are faults of the certificate; they have no effect on a
// certificate that was read from a file.
const (
	Expired       Fault = "expired"         // expired an hour ago
	NotYet        Fault = "not-yet"         // becomes valid in a day
	WrongName     Fault = "wrong-name"      // for wrong.invalid
	Untrusted     Fault = "untrusted"       // signed by an authority that no client knows
	NoCloseNotify Fault = "no-close-notify" // FIN without close_notify
	Stall         Fault = "stall"           // no answer to the ClientHello
	Garbage       Fault = "garbage"         // an answer that is not TLS
	ResetHello    Fault = "reset"           // a RST in answer to the ClientHello
)

// ErrFault is what [Fault.Server] returns once it has failed the handshake on
// purpose.
var ErrFault = errors.New("the handshake failed on purpose")

// OfCertificate reports whether f is a fault of the certificate.
func (f Fault) OfCertificate() bool {
	return slices.Contains([]Fault{Expired, NotYet, WrongName, Untrusted}, f)
}

// Server is [Server] with the fault f. A fault that fails the handshake closes c and
// returns [ErrFault]. A stall lasts until the client closes the connection, ctx
// ends, or a read deadline passes.
func (f Fault) Server(ctx context.Context, c net.Conn, config *tls.Config, limits Limits) (*Stream, error) {
	switch f {
	case Stall, Garbage, ResetHello:
		f.fail(ctx, c)
		return nil, ErrFault
	}
	s, err := Server(ctx, c, config, limits)
	if err == nil {
		s.noCloseNotify = f == NoCloseNotify
	}
	return s, err
}

// fail reads the ClientHello, performs the fault f, and closes c.
func (f Fault) fail(ctx context.Context, c net.Conn) {
	defer context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })()
	if f == Stall {
		_, _ = io.Copy(io.Discard, c)
		_ = c.Close()
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(helloWait)) // it fails only on a closed connection
	_, _ = c.Read(make([]byte, 4<<10))
	if f == ResetHello {
		_ = conn.Reset(c)
		return
	}
	_, _ = io.WriteString(c, "HTTP/1.0 400 Bad Request\r\n\r\nThis is not TLS.\r\n")
	conn.CloseInOrder(c, alertWait)
}
