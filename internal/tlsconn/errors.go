package tlsconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"gcat/internal/conn"
	"gcat/internal/errno"
)

// A failure is the error of a handshake that this package ends: a limit, or a pin.
type failure struct {
	why   conn.Kind
	words string
}

func (e *failure) Error() string { return e.words }

// ErrGivenUp is the error of a handshake whose context or connection this side has ended.
var ErrGivenUp = errors.New("handshake given up")

// handshakeError returns the error of a failed handshake with the peer at addr.
func handshakeError(addr net.Addr, err error) *conn.Error {
	e := &conn.Error{Why: conn.TLS, Op: "TLS with " + addrString(addr)}
	own, isOwn := errors.AsType[*failure](err)
	e.Try, e.Err = certificateError(err)
	switch {
	case e.Err != nil:
	case isOwn:
		e.Why, e.Err = own.why, own
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		e.Why, e.Err = conn.Timeout, errors.New("handshake timed out")
	case errors.Is(err, context.Canceled), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		e.Err = ErrGivenUp
	case errors.Is(err, io.EOF), errors.Is(err, errFIN): // with close_notify or without
		e.Err = errors.New("the peer closed the connection during the handshake")
		e.Transient = true // a forwarder accepts before its server is there
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		e.Err = errors.New("the peer reset the connection during the handshake")
		e.Transient = true
	default:
		e.Err = errors.New(protocolWords(err))
	}
	return e
}

func addrString(addr net.Addr) string {
	if addr == nil || addr.String() == "" {
		return "the peer"
	}
	return addr.String()
}

// protocolWords returns the diagnostic for an error of crypto/tls that no certificate
// has caused.
func protocolWords(err error) string {
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fmt.Sprintf("the peer does not speak TLS: it sent %q", e.RecordHeader[:])
	}
	if alert := alertOf(err, alertReceived); alert != "" {
		return refusedBy(alert)
	}
	switch alert := alertOf(err, alertSent); alert {
	case "":
	case "no renegotiation":
		return "the peer asked for another handshake, which is refused: " + alert
	case "bad record MAC":
		return "the data was changed on its way: " + alert
	default:
		return "the peer sent what is not TLS: " + alert
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Words(number)
	}
	words := plainX509(err.Error())
	const oldest = ", and 1.2 is the oldest version that is taken"
	if rest, ok := strings.CutPrefix(words, "client offered only unsupported versions: "); ok {
		return "the peer offers only " + versions(rest) + oldest
	}
	if rest, ok := strings.CutPrefix(words, "server selected unsupported protocol version "); ok {
		return "the peer wants " + versions(rest) + oldest
	}
	if rest, ok := strings.CutPrefix(words, "client requested unsupported application protocols "); ok {
		words = "the peer offers only other application protocols: " + strings.Trim(rest, "()[]")
	}
	switch {
	case words == "client didn't provide a certificate":
		return "the peer has no certificate, and one is required"
	case strings.HasPrefix(words, "received unexpected handshake message"), strings.HasPrefix(words, "handshake buffer not empty"):
		return "the peer sent a handshake message out of turn"
	case len(words) > 200:
		return words[:200] + "..."
	}
	return words
}

// versions turns Go's list of hexadecimal versions, [302 301], into names.
func versions(list string) string {
	names := strings.NewReplacer("300", "SSL 3.0", "301", "TLS 1.0", "302", "TLS 1.1", " ", ", ")
	return names.Replace(strings.Trim(list, "[]"))
}

// The operations of crypto/tls for an alert from the peer, and for one that this side
// has sent because the peer broke the protocol.
const alertReceived, alertSent = "remote error", "local error"

// alertOf returns the name of the alert that err is; empty if it is none of op.
func alertOf(err error, op string) string {
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == op && e.Err != nil {
		return alertName(e.Err)
	}
	return ""
}

func alertName(alert error) string { return strings.TrimPrefix(alert.Error(), "tls: ") }

// refusedBy returns the diagnostic for an alert from the peer.
func refusedBy(alert string) string { return fmt.Sprintf("the peer refused: %q", alert) }

// refusals are the alerts with which a peer refuses the handshake. With TLS 1.3 they
// may reach a client after its own side of the handshake is complete
// (RFC 8446, appendix E.1).
var refusals = []tls.AlertError{
	40,                         // handshake_failure
	42, 43, 44, 45, 46, 48, 49, // about certificates; access_denied
	70, 71, // protocol_version, insufficient_security
	112, 115, 116, 120, // unrecognized_name, unknown_psk_identity, certificate_required, no_application_protocol
}

// streamError returns the error of an established TLS connection that broke. It
// returns nil for an error of the socket or of a deadline, which Read returns
// unchanged. If the peer has sent data, an alert is not a refusal.
func streamError(err error, hasSent bool) *conn.Error {
	e := &conn.Error{Why: conn.ResetByPeer, Op: "TLS"}
	words := protocolWords(err)
	header, isHeader := errors.AsType[tls.RecordHeaderError](err)
	alert := alertOf(err, alertReceived)
	named := func(code tls.AlertError) bool { return alertName(code) == alert }
	switch {
	case alert != "":
		if !hasSent && slices.ContainsFunc(refusals, named) {
			e.Why = conn.TLS
		}
	case isHeader:
		words = fmt.Sprintf("the peer sent what is not TLS: %q", header.RecordHeader[:])
	case alertOf(err, alertSent) != "":
	case !strings.HasPrefix(err.Error(), "tls: "):
		return nil
	case !strings.HasPrefix(words, "the peer "):
		words = "the peer sent what is not TLS: " + words
	}
	e.Err = errors.New(words)
	return e
}
