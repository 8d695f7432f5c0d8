package tlsconn

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"gcat/internal/conn"
)

// Options say which certificates one side presents and accepts. With the zero value a
// client trusts the system's authorities (SSL_CERT_FILE and SSL_CERT_DIR as
// crypto/x509 reads them) and checks the server's name, and a server has a throw-away
// certificate. The version of TLS is 1.2 or newer.
type Options struct {
	// CA is a PEM file of the authorities that a client trusts instead of the
	// system's.
	CA string
	// Name is the name that the server's certificate must have, and that the client
	// sends (SNI); empty is the host that was dialled.
	Name string
	// Cert and Key are PEM files with this side's certificate (and its chain)
	// and private key. If Key is empty, the key is in Cert. A server without Cert
	// makes a throw-away certificate.
	Cert, Key string
	// ALPN are the protocols to offer (RFC 7301), preferred ones first.
	ALPN []string
	// Insecure accepts any certificate of a server.
	Insecure bool
	// Fingerprint, the SHA-256 of the peer's certificate in hexadecimal, pins
	// the peer: only this certificate is accepted, and its authority, name and dates
	// are not checked. A server then requires a client certificate.
	Fingerprint string
	// ClientCA is a PEM file of the authorities that must have signed a client's
	// certificate; empty requires no certificate.
	ClientCA string
	// Authority signs a server's throw-away certificate; nil is self-signed.
	Authority *Authority
	// Fault is the fault of the throw-away certificate; empty is none.
	Fault Fault
	// KeyLog is a file to which the secrets of each connection are appended, in the
	// NSS key log format, to decrypt a capture; empty is none.
	KeyLog string
}

// Check returns an error for options that make no sense. It opens no file, so that
// the error is one of the command line.
func (o Options) Check() error {
	if o.Key != "" && o.Cert == "" {
		return fmt.Errorf("the key %q is of no use without its certificate", o.Key)
	}
	alpn := 0 // bytes in a ClientHello (RFC 7301, 3.1)
	for _, p := range o.ALPN {
		alpn += 1 + len(p)
		if len(p) == 0 || len(p) > 255 {
			return fmt.Errorf("an ALPN protocol has 1 to 255 bytes: %.40q", p)
		}
	}
	if alpn > maxALPN {
		return fmt.Errorf("the ALPN protocols take %d bytes, and at most %d can be offered", alpn, maxALPN)
	}
	_, err := parseFingerprint(o.Fingerprint)
	return err
}

// maxALPN is the most bytes that the ALPN protocols may take in a ClientHello, whose
// own limit is 64 KiB.
const maxALPN = 32 << 10

// ClientConfig reads the files and returns the configuration of a client that dials
// host. The error of a file is a [conn.Error] of kind [conn.Local].
func (o Options) ClientConfig(host string) (*tls.Config, error) {
	config, err := o.config()
	if err != nil {
		return nil, err
	}
	host, _, _ = strings.Cut(host, "%") // an IPv6 address has no zone in a certificate
	config.ServerName = strings.TrimSuffix(cmp.Or(o.Name, host), ".")
	if o.CA != "" {
		if config.RootCAs, err = readAuthorities(o.CA); err != nil {
			return nil, err
		}
	}
	config.InsecureSkipVerify = o.Insecure || o.Fingerprint != ""
	if config.ServerName == "" && !config.InsecureSkipVerify {
		return nil, errors.New("the server's certificate cannot be checked without a name")
	}
	if name := config.ServerName; conn.TryASCII(name) != "" && !config.InsecureSkipVerify {
		return nil, &conn.Error{
			Why: conn.TLS, Op: fmt.Sprintf("TLS with %q", name),
			Err: errors.New("a certificate has the ASCII form of a name (xn--)"), Try: conn.TryASCII(name),
		}
	}
	if len(config.Certificates) > 0 {
		// Present the one certificate, even if the server lists other authorities.
		cert := &config.Certificates[0]
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return cert, nil
		}
	}
	return config, nil
}

// ServerConfig reads the files and returns the configuration of a server.
// [OwnFingerprint] returns the fingerprint of its certificate.
func (o Options) ServerConfig() (*tls.Config, error) {
	config, err := o.config()
	if err != nil {
		return nil, err
	}
	// A client that only sends would leave a ticket unread in its socket, and its
	// close would then send a reset.
	config.SessionTicketsDisabled = true
	if o.Fingerprint != "" {
		config.ClientAuth = tls.RequireAnyClientCert
	}
	if o.ClientCA != "" {
		if config.ClientCAs, err = readAuthorities(o.ClientCA); err != nil {
			return nil, err
		}
		if o.Fingerprint == "" {
			config.ClientAuth = tls.RequireAndVerifyClientCert
		}
	}
	if len(config.Certificates) == 0 {
		cert, err := o.Fault.issue(o.Authority)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{cert}
	}
	return config, nil
}

// config returns the configuration that a client and a server share.
func (o Options) config() (*tls.Config, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: o.ALPN}
	if o.Cert != "" {
		cert, err := readCertificate(o.Cert, o.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{cert}
	}
	if o.KeyLog != "" {
		f, err := os.OpenFile(o.KeyLog, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			return nil, &conn.Error{Why: conn.Local, Op: fmt.Sprintf("key log %q", o.KeyLog), Err: err}
		}
		config.KeyLogWriter = f // open until the process ends
	}
	if pin, _ := parseFingerprint(o.Fingerprint); pin != "" {
		config.VerifyConnection = func(state tls.ConnectionState) error {
			switch got := peerFingerprint(state); got {
			case pin:
				return nil
			case "":
				return &failure{conn.TLS, "the peer has no certificate, and one is pinned"}
			default:
				return &failure{conn.TLS, "fingerprint mismatch: the peer's certificate has " + got + ", not the pinned one"}
			}
		}
	}
	return config, nil
}

// parseFingerprint reads a SHA-256 fingerprint as programs print it: 64 hexadecimal
// digits of either case, with or without colons, and with or without the prefix
// "sha256:" or openssl's "sha256 Fingerprint=". An empty s is no fingerprint.
func parseFingerprint(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	if strings.HasPrefix(s, "sha256//") {
		return "", fmt.Errorf("bad fingerprint %.100q: curl's pin is of the public key; want the certificate's: openssl x509 -noout -fingerprint -sha256", s)
	}
	digits := s[strings.IndexByte(s, '=')+1:]
	digits = strings.ToLower(strings.TrimSpace(digits))
	digits = strings.TrimPrefix(strings.TrimPrefix(digits, "sha256:"), "sha-256:")
	digits = strings.NewReplacer(":", "", " ", "").Replace(digits)
	switch {
	case strings.Trim(digits, "0123456789abcdef") != "":
		return "", fmt.Errorf("bad fingerprint %.100q: not hexadecimal", s)
	case len(digits) != 2*sha256.Size:
		return "", fmt.Errorf("bad fingerprint %.100q: SHA-256 has %d digits, this has %d", s, 2*sha256.Size, len(digits))
	}
	return digits, nil
}

// OwnFingerprint returns the SHA-256 of a server's own certificate in lower-case
// hexadecimal.
func OwnFingerprint(config *tls.Config) string {
	return fingerprintOf(config.Certificates[0].Certificate[0])
}

func peerFingerprint(state tls.ConnectionState) string {
	if len(state.PeerCertificates) == 0 {
		return ""
	}
	return fingerprintOf(state.PeerCertificates[0].Raw)
}

func fingerprintOf(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
