package tlsconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// certificateError returns what is wrong with the peer's certificate, nil if err is of
// another kind, and a command that makes a better certificate, empty if there is none.
func certificateError(err error) (try string, cause error) {
	failed, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok {
		return "", nil
	}
	peer := failed.UnverifiedCertificates[0]
	switch e := failed.Err.(type) {
	case x509.HostnameError:
		// Clients accepted a common name until about 2017.
		name := e.Certificate.Subject.CommonName
		if len(e.Certificate.DNSNames) == 0 && len(e.Certificate.IPAddresses) == 0 && name != "" {
			return tryNames(e.Host), fmt.Errorf("certificate names no host: no subjectAltName has one, and its common name %.100q does not count", name)
		}
		return "", fmt.Errorf("name mismatch: certificate is for %s, not for %.100q", namesOf(e.Certificate), e.Host)
	case x509.UnknownAuthorityError:
		return "", &UnknownAuthority{fingerprintOf(peer.Raw), unknownAuthority(e.Cert)}
	case x509.CertificateInvalidError:
		return "", errors.New(invalidWords(e, peer))
	case x509.SystemRootsError:
		return "", errors.New("unknown authority: this system has no trusted authorities")
	}
	return "", errors.New("bad certificate: " + plainX509(failed.Err.Error()))
}

// tryNames returns the command that makes a certificate for host.
func tryNames(host string) string {
	kind, name := "DNS", host
	if net.ParseIP(name) != nil {
		kind = "IP"
	} else if strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
		name = "NAME"
	}
	return fmt.Sprintf("openssl req -x509 -nodes -newkey rsa:2048 -keyout key.pem -out cert.pem -subj /CN=%s -addext subjectAltName=%s:%s", name, kind, name)
}

// An UnknownAuthority is the error of a certificate that no trusted authority signed.
type UnknownAuthority struct {
	Fingerprint string // the SHA-256 of the peer's certificate
	words       string
}

func (e *UnknownAuthority) Error() string { return e.words }

// invalidWords returns why a certificate is invalid: the peer's, or one in its chain.
func invalidWords(e x509.CertificateInvalidError, peer *x509.Certificate) string {
	switch e.Reason {
	case x509.Expired: // or not valid yet
		const date = "2006-01-02 15:04:05 UTC"
		words := "expired on " + e.Cert.NotAfter.UTC().Format(date)
		if time.Now().Before(e.Cert.NotBefore) {
			words = "is not valid before " + e.Cert.NotBefore.UTC().Format(date)
		}
		if !e.Cert.Equal(peer) {
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
