package tlsconn

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"os"
	"time"

	"gcat/internal/conn"
)

// An Authority signs certificates that this process makes. A nil Authority makes
// self-signed certificates.
type Authority struct{ cert tls.Certificate }

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// NewAuthority makes an authority, valid since two days ago and for a year.
func NewAuthority() (*Authority, error) {
	cert, err := newCertificate(nil, -2*day, year, &x509.Certificate{
		Subject:  pkix.Name{CommonName: "throw-away authority"},
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, IsCA: true,
	})
	return &Authority{cert}, err
}

// PEM returns the authority's certificate, for clients that are to trust it.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Certificate[0]})
}

// issue makes a certificate for this host with a new key, signed by a. It has the fault f.
func (f Fault) issue(a *Authority) (cert tls.Certificate, err error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "throw-away certificate"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if host, err := os.Hostname(); err == nil && host != "" && host != "localhost" {
		template.DNSNames = append(template.DNSNames, host)
	}
	from, until := -time.Hour, year // clocks differ
	switch f {
	case Expired:
		from, until = -25*time.Hour, -time.Hour
	case NotYet:
		from, until = day, 2*day
	case WrongName:
		template.DNSNames, template.IPAddresses = []string{"wrong.invalid"}, nil
	case Untrusted:
		if a, err = NewAuthority(); err != nil {
			return cert, err
		}
	}
	return newCertificate(a, from, until, template)
}

// newCertificate completes template and signs it with a's key, or its own if a is nil.
func newCertificate(a *Authority, from, until time.Duration, template *x509.Certificate) (cert tls.Certificate, err error) {
	defer func() {
		if err != nil {
			err = &conn.Error{Why: conn.Local, Op: "make a certificate", Err: err}
		}
	}()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return cert, err
	}
	now := time.Now().UTC() // anything else reads the time zone's file
	template.NotBefore, template.NotAfter = now.Add(from), now.Add(until)
	template.BasicConstraintsValid = true
	parent, signer := template, any(key)
	if a != nil {
		parent, signer = a.cert.Leaf, a.cert.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return cert, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}
