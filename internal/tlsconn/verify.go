package tlsconn

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// certificateWords returns what is wrong with the peer's certificate; empty if err
// is of another kind.
func certificateWords(err error) string {
	if pin, ok := errors.AsType[*pinError](err); ok {
		return pin.Error()
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok && onlyCommonName(e.Certificate) {
		return fmt.Sprintf("certificate names no host: no subjectAltName has one, and its common name %.100q does not count", e.Certificate.Subject.CommonName)
	} else if ok {
		return fmt.Sprintf("name mismatch: certificate is for %s, not for %.100q", namesOf(e.Certificate), e.Host)
	}
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return unknownAuthority(e.Cert)
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return invalidWords(e, presented(err))
	}
	if _, ok := errors.AsType[x509.SystemRootsError](err); ok {
		return "unknown authority: this system has no trusted authorities"
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "bad certificate: " + plainX509(e.Err.Error())
	}
	return ""
}

// onlyCommonName reports whether cert has a common name but no subjectAltName for a
// host or an address. Clients accepted such certificates until about 2017.
func onlyCommonName(cert *x509.Certificate) bool {
	return len(cert.DNSNames) == 0 && len(cert.IPAddresses) == 0 && cert.Subject.CommonName != ""
}

// namesHint returns the command that makes a certificate with the missing name; empty
// if err is of another kind.
func namesHint(err error) string {
	e, ok := errors.AsType[x509.HostnameError](err)
	if !ok || !onlyCommonName(e.Certificate) {
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
type authorityError struct {
	words       string
	fingerprint string // of the certificate
}

func (e *authorityError) Error() string { return e.words }

// UnknownAuthority reports whether a handshake failed because no trusted authority
// signed the peer's certificate, whose SHA-256 fingerprint it returns.
func UnknownAuthority(err error) (fingerprint string, ok bool) {
	if e, ok := errors.AsType[*authorityError](err); ok {
		return e.fingerprint, true
	}
	return "", false
}

// presented returns the certificate that the peer presented; nil if it is not known.
func presented(err error) *x509.Certificate {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(e.UnverifiedCertificates) > 0 {
		return e.UnverifiedCertificates[0]
	}
	return nil
}

// invalidWords returns why a certificate is invalid: the one that the peer presented,
// or one in its chain.
func invalidWords(e x509.CertificateInvalidError, presented *x509.Certificate) string {
	switch e.Reason {
	case x509.Expired:
		words := cmp.Or(outOfDate(e.Cert, time.Now()), "expired")
		if presented != nil && !e.Cert.Equal(presented) {
			return "certificate of its authority, " + subject(e.Cert) + ", " + words
		}
		return "certificate " + words
	case x509.NotAuthorizedToSign:
		return fmt.Sprintf("unknown authority: %s may not sign certificates", subject(e.Cert))
	case x509.IncompatibleUsage:
		return "certificate is not meant for this use"
	}
	return "bad certificate: " + plainX509(e.Error())
}

// outOfDate returns why cert is not valid at now; empty if it is valid.
func outOfDate(cert *x509.Certificate, now time.Time) string {
	const date = "2006-01-02 15:04:05 UTC"
	switch {
	case now.After(cert.NotAfter):
		return "expired on " + cert.NotAfter.UTC().Format(date)
	case now.Before(cert.NotBefore):
		return "is not valid before " + cert.NotBefore.UTC().Format(date)
	}
	return ""
}

func unknownAuthority(cert *x509.Certificate) string {
	if cert.Subject.String() == cert.Issuer.String() {
		return "unknown authority: self-signed certificate of " + subject(cert)
	}
	return fmt.Sprintf("unknown authority: %.100q signed the certificate", cert.Issuer.String())
}

func subject(cert *x509.Certificate) string { return fmt.Sprintf("%.100q", cert.Subject.String()) }

// namesOf lists the names in a certificate, five at most.
func namesOf(cert *x509.Certificate) string {
	names := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
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
