package tlsconn

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gcat/internal/conn"
)

// issue makes a certificate as template says, signed by ca or by itself.
func issue(t *testing.T, ca *tls.Certificate, template x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	template.BasicConstraintsValid = true
	parent, signer := &template, any(key)
	if ca != nil {
		parent, signer = ca.Leaf, ca.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// files writes cert and its key into two files.
func files(t *testing.T, cert tls.Certificate) (certFile, keyFile string) {
	t.Helper()
	return writePEM(t, "cert.pem", 0o644, certBlock(cert)), writePEM(t, "key.pem", 0o600, keyBlock(t, cert))
}

func authority(t *testing.T) (ca tls.Certificate, file string) {
	t.Helper()
	ca = issue(t, nil, x509.Certificate{Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign})
	return ca, writePEM(t, "ca.pem", 0o644, certBlock(ca))
}

// TestVerifies has clients meet servers whose certificates are right and
// wrong in all the usual ways.
func TestVerifies(t *testing.T) {
	ca, caFile := authority(t)
	_, otherFile := authority(t)
	year := 365 * 24 * time.Hour
	good := x509.Certificate{DNSNames: []string{"good.test", "*.wild.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	expired := good
	expired.NotBefore, expired.NotAfter = time.Now().Add(-2*year), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	early := good
	early.NotBefore, early.NotAfter = time.Date(2199, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	many := x509.Certificate{DNSNames: []string{"a1", "a2", "a3", "a4", "a5", "a6", "a7"}}
	nobody := x509.Certificate{Subject: pkix.Name{CommonName: "old.test"}}
	nasty := x509.Certificate{Subject: pkix.Name{CommonName: "x\x1b[2J\ny"}, DNSNames: []string{"other.test"}}
	client := x509.Certificate{DNSNames: []string{"good.test"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}

	goodCert := issue(t, &ca, good)
	oldCA := issue(t, &ca, x509.Certificate{Subject: pkix.Name{CommonName: "Old CA"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: expired.NotBefore, NotAfter: expired.NotAfter})
	oldChain := issue(t, &oldCA, good)
	oldChain.Certificate = append(oldChain.Certificate, oldCA.Certificate[0])
	tests := []struct {
		name   string
		cert   tls.Certificate
		client Options
		host   string
		want   string // "" is success
	}{
		{"good", goodCert, Options{CA: caFile}, "good.test", ""},
		{"good with a dot", goodCert, Options{CA: caFile}, "good.test.", ""},
		{"good address", goodCert, Options{CA: caFile}, "127.0.0.1", ""},
		{"wildcard", goodCert, Options{CA: caFile}, "x.wild.test", ""},
		{"other name given", goodCert, Options{CA: caFile, Name: "good.test"}, "192.0.2.1", ""},
		{"name mismatch", goodCert, Options{CA: caFile}, "evil.test", `name mismatch: certificate is for "good.test", "*.wild.test", "127.0.0.1", not for "evil.test"`},
		{"address mismatch", goodCert, Options{CA: caFile}, "127.0.0.2", `not for "127.0.0.2"`},
		{"many names", issue(t, &ca, many), Options{CA: caFile}, "good.test", `"a5" and 2 more, not for "good.test"`},
		{"common name only", issue(t, &ca, nobody), Options{CA: caFile}, "old.test", `certificate names no host: no subjectAltName has one, and its common name "old.test" does not count`},
		{"expired", issue(t, &ca, expired), Options{CA: caFile}, "good.test", "certificate expired on 2026-01-02 03:04:05 UTC"},
		{"expired authority", oldChain, Options{CA: caFile}, "good.test", `certificate of its authority, "CN=Old CA", expired on 2026-01-02 03:04:05 UTC`},
		{"too early", issue(t, &ca, early), Options{CA: caFile}, "good.test", "certificate is not valid before 2199-01-02 03:04:05 UTC"},
		{"system authorities", goodCert, Options{}, "good.test", `unknown authority: "CN=Test CA" signed the certificate`},
		{"self-signed", issue(t, nil, good), Options{CA: caFile}, "good.test", "unknown authority: self-signed certificate"},
		{"self-signed, insecure", issue(t, nil, good), Options{Insecure: true}, "good.test", ""},
		{"nasty subject", issue(t, nil, nasty), Options{CA: caFile}, "other.test", `unknown authority: self-signed certificate of "CN=x\x1b[2J\ny"`},
		{"client's certificate", issue(t, &ca, client), Options{CA: caFile}, "good.test", "certificate is not meant for this use"},
		{"pinned", goodCert, Options{Fingerprint: fingerprintOf(goodCert.Certificate[0])}, "evil.test", ""},
		{"pinned and other authority", goodCert, Options{CA: otherFile, Fingerprint: fingerprintOf(goodCert.Certificate[0])}, "good.test", ""},
		{"pinned another", goodCert, Options{CA: caFile, Fingerprint: strings.Repeat("ab", 32)}, "good.test", "fingerprint mismatch: the peer's certificate has " + fingerprintOf(goodCert.Certificate[0])},
		{"pinned another, insecure", goodCert, Options{Insecure: true, Fingerprint: strings.Repeat("ab", 32)}, "good.test", "fingerprint mismatch"},
	}
	if _, err := x509.SystemCertPool(); err != nil {
		t.Logf("no system authorities: %v", err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			certFile, keyFile := files(t, tt.cert)
			server := must(t)(Options{Cert: certFile, Key: keyFile}.ServerConfig())
			server.Certificates[0].Certificate = tt.cert.Certificate // the chain, too
			c, s, cerr, serr := handshakes(t, must(t)(tt.client.ClientConfig(tt.host)), server)
			if tt.want != "" {
				wantError(t, cerr, conn.TLS, tt.want)
				if !strings.HasPrefix(cerr.Error(), "TLS with 127.0.0.1:") {
					t.Errorf("%v does not say who", cerr)
				}
				return
			}
			if cerr != nil || serr != nil {
				t.Fatalf("client: %v, server: %v", cerr, serr)
			}
			c.Close()
			s.Close()
		})
	}
}

// TestClientCertificates has servers ask for certificates. A TLS 1.3 client
// hears of a refusal from its first read.
func TestClientCertificates(t *testing.T) {
	ca, caFile := authority(t)
	other, _ := authority(t)
	template := x509.Certificate{Subject: pkix.Name{CommonName: "someone"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	right, wrong := issue(t, &ca, template), issue(t, &other, template)
	tests := []struct {
		name   string
		server Options
		client *tls.Certificate
		want   string // the server's error
		told   string // the client's
	}{
		{"right", Options{ClientCA: caFile}, &right, "", ""},
		{"none", Options{ClientCA: caFile}, nil, "the peer has no certificate, and one is required", `the peer refused: "certificate required"`},
		{"wrong", Options{ClientCA: caFile}, &wrong, "unknown authority", `the peer refused: "unknown certificate authority"`},
		{"pinned", Options{Fingerprint: fingerprintOf(wrong.Certificate[0])}, &wrong, "", ""},
		{"pinned another", Options{ClientCA: caFile, Fingerprint: fingerprintOf(wrong.Certificate[0])}, &right, "fingerprint mismatch", "the peer refused"},
		{"pinned, none", Options{Fingerprint: fingerprintOf(wrong.Certificate[0])}, nil, "the peer has no certificate, and one is required", "the peer refused"},
	}
	for _, tt := range tests {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(tt.name+" "+tls.VersionName(version), func(t *testing.T) {
				server := must(t)(tt.server.ServerConfig())
				options := Options{Fingerprint: OwnFingerprint(server)}
				if tt.client != nil {
					options.Cert, options.Key = files(t, *tt.client)
				}
				client := must(t)(options.ClientConfig("localhost"))
				client.MaxVersion = version
				c, s, cerr, serr := handshakes(t, client, server)
				if tt.want == "" {
					if cerr != nil || serr != nil {
						t.Fatalf("client: %v, server: %v", cerr, serr)
					}
					if s.Facts().Fingerprint != fingerprintOf(tt.client.Certificate[0]) || s.Facts().Peer != "CN=someone" {
						t.Errorf("the server knows %+v", s.Facts())
					}
					c.Close()
					s.Close()
					return
				}
				wantError(t, serr, conn.TLS, tt.want)
				if version == tls.VersionTLS12 {
					wantError(t, cerr, conn.TLS, "the peer refused")
					return
				}
				if cerr != nil {
					t.Fatal(cerr)
				}
				_, err := c.Read(make([]byte, 1))
				wantError(t, err, conn.TLS, tt.told)
				_, err = io.ReadAll(c)
				wantError(t, err, conn.TLS, tt.told)
				c.Close()
			})
		}
	}
}

func TestHandshakeFailures(t *testing.T) {
	client := must(t)(Options{Insecure: true}.ClientConfig("x"))
	server := must(t)(Options{}.ServerConfig())
	// talk has a peer that is no TLS server.
	talk := func(t *testing.T, peer func(net.Conn)) error {
		t.Helper()
		c, s := tcpPair(t)
		go peer(s)
		_, err := Client(t.Context(), c, client)
		return err
	}
	t.Run("plain greeting", func(t *testing.T) {
		err := talk(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 mail\x1b[2J ready\r\n") })
		wantError(t, err, conn.TLS, `the peer does not speak TLS: it sent "220 m"`)
	})
	t.Run("plain server in a hurry", func(t *testing.T) {
		err := talk(t, func(c net.Conn) { c.Close() })
		wantError(t, err, conn.TLS, "during the handshake")
	})
	t.Run("echo", func(t *testing.T) {
		err := talk(t, func(c net.Conn) { _, _ = io.Copy(c, c) })
		wantError(t, err, conn.TLS, "the peer sent a handshake message out of turn")
	})
	t.Run("end", func(t *testing.T) {
		err := talk(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1<<16)); c.Close() })
		wantError(t, err, conn.TLS, "the peer closed the connection during the handshake")
	})
	t.Run("close_notify", func(t *testing.T) {
		err := talk(t, func(c net.Conn) { _, _ = c.Write([]byte{21, 3, 3, 0, 2, 1, 0}) })
		wantError(t, err, conn.TLS, "the peer closed the connection during the handshake")
	})
	t.Run("reset", func(t *testing.T) {
		err := talk(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1<<16)); _ = conn.Reset(c) })
		wantError(t, err, conn.TLS, "the peer reset the connection during the handshake")
	})
	t.Run("old versions", func(t *testing.T) {
		old := client.Clone()
		old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		_, _, cerr, serr := handshakes(t, old, server)
		wantError(t, serr, conn.TLS, "the peer offers only TLS 1.1, TLS 1.0, and 1.2 is the oldest version that is taken")
		wantError(t, cerr, conn.TLS, `the peer refused: "protocol version not supported"`)
	})
	t.Run("no protocol in common", func(t *testing.T) {
		c, s := client.Clone(), server.Clone()
		c.NextProtos, s.NextProtos = []string{"a\n"}, []string{"b"}
		_, _, cerr, serr := handshakes(t, c, s)
		wantError(t, serr, conn.TLS, `the peer offers only other application protocols: "a\n"`)
		wantError(t, cerr, conn.TLS, `the peer refused: "no application protocol"`)
	})
	t.Run("plain client", func(t *testing.T) {
		c, s := tcpPair(t)
		if _, err := io.WriteString(c, "GET / HTTP/1.0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		_ = c.CloseWrite()
		_, err := Server(t.Context(), s, server, Limits{})
		wantError(t, err, conn.TLS, `the peer does not speak TLS: it sent "GET /"`)
	})
}

func TestOptionsCheck(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	colons := strings.TrimSuffix(strings.Repeat("0A:", 32), ":")
	for _, good := range []string{"", sum, strings.ToUpper(sum), colons, "sha256:" + sum, "SHA256:" + sum, "sha256 Fingerprint=" + colons} {
		if got, err := parseFingerprint(good); err != nil || good != "" && got != sum {
			t.Errorf("%q is %q, %v", good, got, err)
		}
		if err := (Options{Fingerprint: good}).Check(); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	bad := []struct {
		options Options
		want    string
	}{
		{Options{Fingerprint: "xyz"}, `bad fingerprint "xyz": not hexadecimal`},
		{Options{Fingerprint: "0a0b"}, `bad fingerprint "0a0b": SHA-256 has 64 digits, this has 4`},
		{Options{Fingerprint: strings.Repeat("0a", 20)}, `this has 40`},
		{Options{Fingerprint: "\x1b[2J\n"}, `bad fingerprint "\x1b[2J\n": not hexadecimal`},
		{Options{Fingerprint: ":"}, `this has 0`},
		{Options{Fingerprint: strings.Repeat("a", 63)}, `this has 63`},
		{Options{Fingerprint: "sha256//Ft09VlaqTTFXwEvL4erbuOrZ9ufn5CreIhliIBiT2mc="}, `curl's pin is of the public key`},
		{Options{Key: "k.pem"}, `the key "k.pem" is of no use without its certificate`},
		{Options{ALPN: []string{""}}, `an ALPN protocol has 1 to 255 bytes: ""`},
		{Options{ALPN: []string{strings.Repeat("x", 256)}}, `1 to 255 bytes`},
		{Options{ALPN: slices.Repeat([]string{"1234567"}, 4097)}, `the ALPN protocols take 32776 bytes, and at most 32768 can be offered`},
	}
	for _, tt := range bad {
		err := tt.options.Check()
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %s", tt.options, err, tt.want)
		}
		if _, ok := errors.AsType[*conn.Error](err); ok {
			t.Errorf("%+v: %v has a kind, but is an error in what was typed", tt.options, err)
		}
	}
	if _, err := (Options{}).ClientConfig(""); err == nil {
		t.Error("a client with no name to check")
	}
}

// TestFiles has every file that can be wrong be wrong: one clear line, of
// kind local.
func TestFiles(t *testing.T) {
	ca, caFile := authority(t)
	cert := issue(t, &ca, x509.Certificate{DNSNames: []string{"a"}})
	certFile, keyFile := files(t, cert)
	_, otherKey := files(t, issue(t, &ca, x509.Certificate{}))
	empty := writePEM(t, "empty.pem", 0o600)
	missing := filepath.Join(t.TempDir(), "missing.pem")
	text := filepath.Join(t.TempDir(), "text.pem")
	if err := os.WriteFile(text, []byte("no PEM at all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := writePEM(t, "broken.pem", 0o600, &pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})
	brokenKey := writePEM(t, "brokenkey.pem", 0o600, &pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})
	pkcs8 := writePEM(t, "pkcs8.pem", 0o600, &pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})
	old := writePEM(t, "old.pem", 0o600, &pem.Block{Type: "RSA PRIVATE KEY",
		Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, Bytes: []byte("x")})
	both := writePEM(t, "both.pem", 0o600, keyBlock(t, cert), certBlock(cert))

	tests := []struct {
		name    string
		options Options
		want    string
	}{
		{"missing authorities", Options{CA: missing}, `missing.pem": no such file or directory`},
		{"empty authorities", Options{CA: empty}, `empty.pem": the file is empty`},
		{"authorities in prose", Options{CA: text}, `text.pem": no certificate in it (PEM)`},
		{"a key for authorities", Options{CA: keyFile}, `key.pem": no certificate in it (PEM)`},
		{"broken authorities", Options{CA: broken}, `broken.pem": no certificate in it (PEM)`},
		{"a directory", Options{CA: t.TempDir()}, `is a directory`},
		{"missing certificate", Options{Cert: missing, Key: keyFile}, `missing.pem": no such file`},
		{"missing key", Options{Cert: certFile, Key: missing}, `missing.pem": no such file`},
		{"no key", Options{Cert: certFile}, `cert.pem": no private key in it (PEM)`},
		{"swapped", Options{Cert: keyFile, Key: certFile}, `key.pem": no certificate in it (PEM)`},
		{"empty certificate", Options{Cert: empty, Key: keyFile}, `empty.pem": the file is empty`},
		{"empty key", Options{Cert: certFile, Key: empty}, `empty.pem": the file is empty`},
		{"broken certificate", Options{Cert: broken, Key: keyFile}, `broken.pem": the certificate is broken: `},
		{"broken key", Options{Cert: certFile, Key: brokenKey}, `brokenkey.pem": the private key is broken: `},
		{"mismatched", Options{Cert: certFile, Key: otherKey}, `key.pem": the private key does not belong to the certificate in "` + certFile + `"`},
		{"encrypted", Options{Cert: certFile, Key: pkcs8}, `pkcs8.pem": the private key is encrypted; decrypt it first`},
		{"encrypted as of old", Options{Cert: certFile, Key: old}, `old.pem": the private key is encrypted`},
		{"no end", Options{CA: "/dev/zero"}, `"/dev/zero": too large for a PEM file`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.options.ClientConfig("x")
			wantError(t, err, conn.Local, tt.want)
			tt.options.ClientCA, tt.options.CA = tt.options.CA, ""
			_, err = tt.options.ServerConfig()
			wantError(t, err, conn.Local, tt.want)
		})
	}
	for _, good := range []Options{{Cert: both}, {Cert: both, Key: both}, {Cert: certFile, Key: keyFile}, {CA: caFile}} {
		if _, err := good.ClientConfig("x"); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	if os.Geteuid() != 0 { // root may read everything
		if err := os.Chmod(keyFile, 0); err != nil {
			t.Fatal(err)
		}
		_, err := Options{Cert: certFile, Key: keyFile}.ServerConfig()
		wantError(t, err, conn.Local, `key.pem": permission denied`)
	}
}

// What can be done about a certificate is said by what can be typed.
func TestTry(t *testing.T) {
	ca, caFile := authority(t)
	for host, want := range map[string]string{
		"localhost": "-addext subjectAltName=DNS:localhost",
		"127.0.0.1": "-addext subjectAltName=IP:127.0.0.1",
		"a;b":       "-addext subjectAltName=DNS:NAME",
	} {
		cert := issue(t, &ca, x509.Certificate{Subject: pkix.Name{CommonName: "localhost"}})
		certFile, keyFile := files(t, cert)
		server := must(t)(Options{Cert: certFile, Key: keyFile}.ServerConfig())
		_, _, err, _ := handshakes(t, must(t)(Options{CA: caFile}.ClientConfig(host)), server)
		if e, ok := errors.AsType[*conn.Error](err); !ok || !strings.HasSuffix(e.Hint(), want) {
			t.Errorf("%q: %v, hint %q", host, err, e.Hint())
		}
	}
	server := must(t)(Options{}.ServerConfig())
	_, _, err, _ := handshakes(t, must(t)(Options{CA: caFile}.ClientConfig("localhost")), server)
	if e, ok := errors.AsType[*UnknownAuthority](err); !ok || e.Fingerprint != OwnFingerprint(server) {
		t.Errorf("%v, %+v", err, e)
	}
	_, err = Options{}.ClientConfig("b\u00fccher.example")
	if e, ok := errors.AsType[*conn.Error](err); !ok || !strings.Contains(e.Hint(), "xn--") {
		t.Errorf("%v", err)
	}
	if _, err = (Options{Fingerprint: OwnFingerprint(server)}).ClientConfig("b\u00fccher.example"); err != nil {
		t.Error(err)
	}
}

// As many protocols as may be offered fit into a ClientHello.
func TestALPNMost(t *testing.T) {
	many := slices.Repeat([]string{"1234567"}, maxALPN/8)
	server := must(t)(Options{ALPN: many}.ServerConfig())
	c, _, cerr, serr := handshakes(t, must(t)(Options{ALPN: many, Insecure: true}.ClientConfig("localhost")), server)
	if cerr != nil || serr != nil {
		t.Fatal(cerr, serr)
	}
	if got := c.Facts().ALPN; got != "1234567" {
		t.Errorf("%q", got)
	}
}
