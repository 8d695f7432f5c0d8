package tlsconn

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"gcat/internal/conn"
)

// maxPEM is the largest certificate or key file that is read, in bytes. The
// authorities of a whole system take 512 KiB.
const maxPEM = 16 << 20

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

// readAuthorities reads the certificates of a PEM file; there must be one.
func readAuthorities(path string) (*x509.CertPool, error) {
	data, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fileError(path, errNoCertificate)
	}
	return pool, nil
}

// ErrNoKey is the error of a key file without a private key.
var ErrNoKey = errors.New("no private key in it (PEM)")

// errNoCertificate is the error of a certificate file without a certificate.
var errNoCertificate = errors.New("no certificate in it (PEM)")

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
	cert, err := tls.X509KeyPair(certData, keyData)
	if err == nil {
		return cert, nil
	}
	key := findBlock(keyData, "PRIVATE KEY")
	switch words := plainX509(err.Error()); {
	case findBlock(certData, "CERTIFICATE") == nil:
		err = fileError(certPath, errNoCertificate)
	case key == nil:
		err = fileError(keyPath, ErrNoKey)
	case key.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(key.Headers["Proc-Type"], "ENCRYPTED"):
		err = fileError(keyPath, errors.New("the private key is encrypted; decrypt it first (openssl pkey -in KEY -out PLAIN)"))
	case strings.Contains(words, "does not match"):
		err = fileError(keyPath, fmt.Errorf("the private key does not belong to the certificate in %q", certPath))
	case strings.Contains(words, "private key"):
		err = fileError(keyPath, fmt.Errorf("the private key is broken: %s", words))
	default:
		err = fileError(certPath, fmt.Errorf("the certificate is broken: %s", words))
	}
	return tls.Certificate{}, err
}

// findBlock returns the first PEM block whose type ends in kind; nil if there is none.
func findBlock(data []byte, kind string) *pem.Block {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if strings.HasSuffix(block.Type, kind) {
			return block
		}
	}
	return nil
}

// plainX509 removes the names of Go's packages from words.
func plainX509(words string) string {
	for _, name := range []string{"tls: ", "x509: ", "asn1: ", "crypto/rsa: ", "crypto/ecdsa: ", "crypto/ecdh: ", "ecdsa: ", "ed25519: "} {
		words = strings.ReplaceAll(words, name, "")
	}
	return words
}
