package tlsconn

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"gcat/internal/conn"
)

// maxPEM is the largest certificate or key file that is read, in bytes. The
// authorities of a whole system take 512 KiB.
const maxPEM = 16 << 20

// unixModes reports that a file's mode determines which users can read it.
const unixModes = runtime.GOOS != "windows"

// Warnings returns a line for each problem with the files that is not an error: a
// private key that other users can read, a certificate that is out of date.
func (o Options) Warnings() []string {
	var lines []string
	key := cmp.Or(o.Key, o.Cert)
	if info, err := os.Stat(key); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o044 != 0 && unixModes {
		lines = append(lines, fmt.Sprintf("others can read the private key in %q (mode %04o)", key, info.Mode().Perm()))
	}
	if info, err := os.Stat(o.Cert); err == nil && info.Mode().IsRegular() {
		data, _ := readPEM(o.Cert) // without data there is no certificate
		if cert, err := firstCertificate(data); err == nil && outOfDate(cert, time.Now()) != "" {
			lines = append(lines, fmt.Sprintf("the certificate in %q %s", o.Cert, outOfDate(cert, time.Now())))
		}
	}
	return lines
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

// readPEM reads a file that should hold PEM blocks.
func readPEM(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPEM+1))
	switch {
	case err != nil:
		return nil, fileError(path, err)
	case len(data) > maxPEM:
		return nil, fileError(path, errors.New("too large for a PEM file"))
	case len(bytes.TrimSpace(data)) == 0:
		return nil, fileError(path, errors.New("the file is empty"))
	}
	return data, nil
}

func fileError(path string, err error) *conn.Error {
	return &conn.Error{Why: conn.Local, Op: fmt.Sprintf("%q", path), Err: err}
}

// readAuthorities reads the certificates of a PEM file; there must be one, and
// none may be broken.
func readAuthorities(path string) (*x509.CertPool, error) {
	data, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	pool, count := x509.NewCertPool(), 0
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" && block.Type != "TRUSTED CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fileError(path, fmt.Errorf("certificate %d is broken: %s", count+1, plainX509(err.Error())))
		}
		pool.AddCert(cert)
		count++
	}
	if count == 0 {
		return nil, notPEM(path, data, errNoCertificate)
	}
	return pool, nil
}

// readCertificate reads a certificate with its chain, and its private key. If keyPath
// is empty, both are in certPath, which is read once because it may be a pipe.
func readCertificate(certPath, keyPath string) (tls.Certificate, error) {
	certData, err := readPEM(certPath)
	if err != nil {
		return tls.Certificate{}, err
	}
	keyData := certData
	if keyPath == "" {
		keyPath = certPath
	} else if keyData, err = readPEM(keyPath); err != nil {
		return tls.Certificate{}, err
	}
	switch _, err := firstCertificate(certData); {
	case err == errNoCertificate:
		return tls.Certificate{}, notPEM(certPath, certData, err)
	case err != nil:
		return tls.Certificate{}, fileError(certPath, fmt.Errorf("the certificate is broken: %s", plainX509(err.Error())))
	}
	if err := checkKey(keyData); err != nil {
		return tls.Certificate{}, notPEM(keyPath, keyData, err)
	}
	cert, err := tls.X509KeyPair(certData, keyData)
	switch {
	case err == nil:
		return cert, nil
	case strings.Contains(err.Error(), "does not match"):
		return tls.Certificate{}, fileError(keyPath, fmt.Errorf("the private key does not belong to the certificate in %q", certPath))
	}
	return tls.Certificate{}, fileError(keyPath, fmt.Errorf("the private key is broken: %s", plainX509(err.Error())))
}

// checkKey returns an error if data has no private key, or an encrypted one.
func checkKey(data []byte) error {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case !strings.HasSuffix(block.Type, "PRIVATE KEY"):
			continue
		case block.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return errors.New("the private key is encrypted; decrypt it first (openssl pkey -in KEY -out PLAIN)")
		case block.Type == "OPENSSH PRIVATE KEY":
			return errors.New("this is a key of OpenSSH's, not one of TLS")
		}
		return nil
	}
	return ErrNoKey
}

// ErrNoKey is the error of a key file without a private key.
var ErrNoKey = errors.New("no private key in it (PEM)")

// errNoCertificate is the error of a certificate file without a certificate.
var errNoCertificate = errors.New("no certificate in it (PEM)")

// notPEM returns the error of a file in which something is missing. For a file in DER
// or PKCS #12 the hint is the command that converts it.
func notPEM(path string, data []byte, missing error) error {
	e := fileError(path, missing)
	var other struct{ Version int } // a private key, or with version 3 a PFX (RFC 7292)
	_, notCertificate := x509.ParseCertificate(data)
	_, notOther := asn1.Unmarshal(data, &other)
	switch {
	case notCertificate == nil && missing == errNoCertificate:
		e.Try = fmt.Sprintf("openssl x509 -inform der -in %q -out cert.pem", path)
	case notOther == nil && other.Version == 3:
		e.Try = fmt.Sprintf("openssl pkcs12 -nodes -in %q -out cert.pem", path)
	case notOther == nil && missing == ErrNoKey:
		e.Try = fmt.Sprintf("openssl pkey -inform der -in %q -out key.pem", path)
	}
	return e
}

func firstCertificate(data []byte) (*x509.Certificate, error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
	return nil, errNoCertificate
}

// plainX509 removes the names of Go's packages from words.
func plainX509(words string) string {
	for _, name := range []string{"tls: ", "x509: ", "asn1: ", "crypto/rsa: ", "crypto/ecdsa: ", "crypto/ecdh: ", "ecdsa: ", "ed25519: "} {
		words = strings.ReplaceAll(words, name, "")
	}
	return words
}
