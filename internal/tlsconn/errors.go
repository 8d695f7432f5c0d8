package tlsconn

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"gcat/internal/conn"
	"gcat/internal/errno"
)

// handshakeError returns the error of a failed handshake with the peer at addr.
func handshakeError(addr net.Addr, err error) *conn.Error {
	e := &conn.Error{Why: conn.TLS, Op: "TLS with " + addrString(addr)}
	passed, late := errors.AsType[*limitError](err)
	switch words := certificateWords(err); {
	case late:
		e.Why, e.Err = conn.Timeout, passed
	case words != "":
		e.Err, e.Try = errors.New(words), tryNames(err)
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
			e.Err = &authorityError{words, shown(err)}
		}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		e.Why, e.Err = conn.Timeout, errors.New("handshake timed out")
	case errors.Is(err, context.Canceled), errors.Is(err, net.ErrClosed):
		e.Err = errors.New("handshake given up")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Err = errors.New("the peer closed the connection during the handshake")
		e.Passing = true // a forwarder accepts before its server is there
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		e.Err = errors.New("the peer reset the connection during the handshake")
		e.Passing = true
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

// certificateWords returns what is wrong with the peer's certificate; empty if err
// is of another kind.
func certificateWords(err error) string {
	if pin, ok := errors.AsType[*pinError](err); ok {
		return pin.Error()
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok && namesNothing(e.Certificate) {
		return fmt.Sprintf("certificate names no host: no subjectAltName has one, and its common name %.100q does not count", e.Certificate.Subject.CommonName)
	} else if ok {
		return fmt.Sprintf("name mismatch: certificate is for %s, not for %.100q", namesOf(e.Certificate), e.Host)
	}
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return unknownAuthority(e.Cert)
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return invalidWords(e)
	}
	if _, ok := errors.AsType[x509.SystemRootsError](err); ok {
		return "unknown authority: this system has no trusted authorities"
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "bad certificate: " + plainX509(e.Err.Error())
	}
	return ""
}

// namesNothing reports whether cert has a common name but no subjectAltName for a
// host or an address. Clients accepted such certificates until about 2017.
func namesNothing(cert *x509.Certificate) bool {
	return cert != nil && len(cert.DNSNames) == 0 && len(cert.IPAddresses) == 0 && cert.Subject.CommonName != ""
}

// tryNames returns the command that makes a certificate with the missing name; empty
// if err is of another kind.
func tryNames(err error) string {
	e, ok := errors.AsType[x509.HostnameError](err)
	if !ok || !namesNothing(e.Certificate) {
		return ""
	}
	kind, name := "DNS", e.Host
	if net.ParseIP(name) != nil {
		kind = "IP"
	} else if strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
		name = "NAME"
	}
	return fmt.Sprintf("openssl req -x509 -nodes -newkey rsa:2048 -keyout key.pem -out cert.pem -subj /CN=%s -addext subjectAltName=%s:%s", name, kind, name)
}

// An authorityError is the error of a certificate whose authority is not trusted.
type authorityError struct{ words, fingerprint string }

func (e *authorityError) Error() string { return e.words }

// UnknownAuthority reports whether a handshake failed because no trusted authority
// signed the peer's certificate. It returns the SHA-256 fingerprint of the
// certificate; empty if it is not known.
func UnknownAuthority(err error) (fingerprint string, ok bool) {
	e, ok := errors.AsType[*authorityError](err)
	if !ok {
		return "", false
	}
	return e.fingerprint, true
}

// shown returns the fingerprint of the certificate that the peer presented.
func shown(err error) string {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(e.UnverifiedCertificates) > 0 {
		return fingerprint(e.UnverifiedCertificates[0].Raw)
	}
	return ""
}

func invalidWords(e x509.CertificateInvalidError) string {
	switch e.Reason {
	case x509.Expired:
		if late := outOfDate(e.Cert, time.Now()); late != "" {
			return "certificate " + late
		}
		return "certificate expired"
	case x509.NotAuthorizedToSign:
		return fmt.Sprintf("unknown authority: %s may not sign certificates", subject(e.Cert))
	case x509.IncompatibleUsage:
		return "certificate is not meant for this use"
	}
	return "bad certificate: " + plainX509(e.Error())
}

func unknownAuthority(cert *x509.Certificate) string {
	switch {
	case cert == nil:
		return "unknown authority"
	case cert.Subject.String() == cert.Issuer.String():
		return "unknown authority: self-signed certificate of " + subject(cert)
	}
	return fmt.Sprintf("unknown authority: %.100q signed the certificate", cert.Issuer.String())
}

func subject(cert *x509.Certificate) string {
	if cert == nil {
		return "the peer"
	}
	return fmt.Sprintf("%.100q", cert.Subject.String())
}

// namesOf lists the names in a certificate, five at most.
func namesOf(cert *x509.Certificate) string {
	var names []string
	if cert != nil {
		names = append(names, cert.DNSNames...)
		for _, ip := range cert.IPAddresses {
			names = append(names, ip.String())
		}
	}
	if len(names) == 0 {
		return "no host at all"
	}
	more := ""
	if len(names) > 5 {
		more = fmt.Sprintf(" and %d more", len(names)-5)
		names = names[:5]
	}
	for i, name := range names {
		names[i] = fmt.Sprintf("%.100q", name)
	}
	return strings.Join(names, ", ") + more
}

// protocolWords returns the diagnostic for an error of crypto/tls.
func protocolWords(err error) string {
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fmt.Sprintf("the peer does not speak TLS: it sent %q", e.RecordHeader[:])
	}
	if words, ok := alertWords(err); ok {
		return alertMeans(errors.New(words)).Error()
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Words(number)
	}
	words := plainX509(strings.TrimPrefix(err.Error(), "local error: "))
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "local error" {
		return localWords(words)
	}
	if rest, ok := strings.CutPrefix(words, "client offered only unsupported versions: "); ok {
		return "the peer offers only " + versions(rest) + ", and 1.2 is the oldest version that is taken"
	}
	if rest, ok := strings.CutPrefix(words, "server selected unsupported protocol version "); ok {
		return "the peer wants " + versions(rest) + ", and 1.2 is the oldest version that is taken"
	}
	if strings.HasPrefix(words, "received unexpected handshake message") || strings.HasPrefix(words, "handshake buffer not empty") {
		return "the peer sent a handshake message out of turn"
	}
	if len(words) > 200 {
		words = words[:200] + "..."
	}
	return words
}

// versions turns Go's list of hexadecimal versions, [302 301], into names.
func versions(list string) string {
	names := map[string]string{"300": "SSL 3.0", "301": "TLS 1.0", "302": "TLS 1.1"}
	words := strings.Fields(strings.Trim(list, "[]"))
	for i, w := range words {
		words[i] = cmp.Or(names[w], "version 0x"+w)
	}
	return strings.Join(words, ", ")
}

// alertMeans returns the error of an alert that the peer sent.
func alertMeans(alert error) error {
	return fmt.Errorf("the peer refused: %q", strings.TrimPrefix(alert.Error(), "tls: "))
}

// alertWords returns the name of the alert if err is an alert that the peer sent.
func alertWords(err error) (string, bool) {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "remote error" || op.Err == nil {
		return "", false
	}
	return strings.TrimPrefix(op.Err.Error(), "tls: "), true
}

// refusals are the alerts with which a peer refuses the handshake. With TLS 1.3 they
// may reach a client after its own side of the handshake is complete
// (RFC 8446, appendix E.1).
var refusals = sync.OnceValue(func() map[string]bool {
	words := make(map[string]bool)
	for _, code := range []tls.AlertError{
		40,                         // handshake_failure
		42, 43, 44, 45, 46, 48, 49, // about certificates; access_denied
		70, 71, // protocol_version, insufficient_security
		112, 115, 116, 120, // unrecognized_name, unknown_psk_identity, certificate_required, no_application_protocol
	} {
		words[strings.TrimPrefix(code.Error(), "tls: ")] = true
	}
	return words
})

// streamError returns the error of an established TLS connection that broke. It
// returns nil for an error of the socket or of a deadline, which Read returns
// unchanged. received reports that the peer has sent data: then an alert is not a
// refusal.
func streamError(err error, received bool) *conn.Error {
	if words, ok := alertWords(err); ok {
		why := conn.ResetByPeer
		if !received && refusals()[words] {
			why = conn.TLS
		}
		return &conn.Error{Why: why, Op: "TLS", Err: alertMeans(errors.New(words))}
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "local error" {
		return &conn.Error{Why: conn.ResetByPeer, Op: "TLS", Err: errors.New(localWords(protocolWords(e.Err)))}
	}
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return &conn.Error{Why: conn.ResetByPeer, Op: "TLS", Err: fmt.Errorf("the peer sent what is not TLS: %q", e.RecordHeader[:])}
	}
	if strings.HasPrefix(err.Error(), "tls: ") {
		words := protocolWords(err)
		if !strings.HasPrefix(words, "the peer ") {
			words = "the peer sent what is not TLS: " + words
		}
		return &conn.Error{Why: conn.ResetByPeer, Op: "TLS", Err: errors.New(words)}
	}
	return nil
}

// localWords returns what the peer did wrong, given the alert that we sent in answer.
func localWords(alert string) string {
	switch alert {
	case "no renegotiation":
		return "the peer asked for another handshake, which is refused: " + alert
	case "bad record MAC":
		return "the data was changed on its way: " + alert
	}
	return "the peer sent what is not TLS: " + alert
}
