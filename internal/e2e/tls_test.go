package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A mint makes certificates for a test.
type mint struct {
	t    *testing.T
	dir  string
	ca   *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // the authority's certificate
	n    int64
}

func newMint(t *testing.T) *mint {
	t.Helper()
	m := &mint{t: t, dir: t.TempDir()}
	cert, key := m.sign(x509.Certificate{Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign})
	m.ca, m.key = cert.Leaf, key
	m.file = m.write("ca.pem", 0o644, &pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	return m
}

// sign makes a certificate; without an authority it is self-signed.
func (m *mint) sign(template x509.Certificate) (tls.Certificate, *ecdsa.PrivateKey) {
	m.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	m.n++
	template.SerialNumber = big.NewInt(m.n)
	template.BasicConstraintsValid = true
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	}
	parent, signer := &template, key
	if m.ca != nil {
		parent, signer = m.ca, m.key
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, key.Public(), signer)
	if err != nil {
		m.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		m.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, key
}

func (m *mint) write(name string, mode os.FileMode, block *pem.Block) string {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(block), mode); err != nil {
		m.t.Fatal(err)
	}
	return path
}

// issue makes a certificate for localhost and 127.0.0.1 unless edit changes it,
// and writes it and its key to files.
func (m *mint) issue(name string, edit func(*x509.Certificate)) (cert tls.Certificate, certFile, keyFile string) {
	m.t.Helper()
	template := x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	if edit != nil {
		edit(&template)
	}
	cert, key := m.sign(template)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		m.t.Fatal(err)
	}
	return cert, m.write(name+".pem", 0o644, &pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}),
		m.write(name+".key", 0o600, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func fingerprintOf(cert tls.Certificate) string {
	sum := sha256.Sum256(cert.Certificate[0])
	return hex.EncodeToString(sum[:])
}

// serveTLS runs peer for the one connection it accepts over TLS.
func serveTLS(t *testing.T, config *tls.Config, peer func(c *tls.Conn)) []string {
	t.Helper()
	return serve(t, "tcp", func(c halfConn) {
		s := tls.Server(c, config)
		if err := s.Handshake(); err != nil {
			// So that the client hears the alert, and not a reset over it.
			_ = c.CloseWrite()
			_, _ = io.Copy(io.Discard, c)
			return
		}
		peer(s)
	})
}

// answer is a server that reads to the end and then answers.
func answer(c *tls.Conn) {
	fmt.Fprintf(c, "heard %q", readAll(c))
	_ = c.CloseWrite()
	_, _ = io.Copy(io.Discard, c)
}

// TestTLSHalfClose has the server answer only when it has seen our end, with
// both versions of TLS.
func TestTLSHalfClose(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	cert, _, _ := m.issue("server", nil)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		where := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: version}, func(c *tls.Conn) {
			answer(c)
		})
		start(t, input(t, "hello"), append([]string{"-c", "--tls-ca", m.file}, where...)...).ends(0, `heard "hello"`, "")
	}
}

// TestTLSSpellings are the ways to say TLS.
func TestTLSSpellings(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	cert, _, _ := m.issue("server", nil)
	config := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"b"}}
	where := serveTLS(t, config, answer)
	start(t, input(t, "x"), "--tls-ca", m.file, "tls://localhost:"+where[1]).ends(0, `heard "x"`, "")
	where = serveTLS(t, config, answer)
	start(t, input(t, "x"), "--tls", "--tls-insecure", "127.0.0.1:"+where[1]).ends(0, `heard "x"`, "")
	where = serveTLS(t, config, answer)
	start(t, input(t, "x"), "-c", "--tls-fingerprint", strings.ToUpper(fingerprintOf(cert)), "127.0.0.1:"+where[1]).ends(0, `heard "x"`, "")
	where = serveTLS(t, config, answer)
	p := start(t, input(t, "x"), "-vc", "--tls-ca", m.file, "--tls-alpn", "a,b", "127.0.0.1:"+where[1])
	if p.status() != 0 || !strings.Contains(p.err.String(), "TLS 1.3, TLS_") || !strings.Contains(p.err.String(), `ALPN "b", certificate of "CN=server" with SHA-256 fingerprint `+fingerprintOf(cert)) {
		t.Errorf("-v said %q", p.err)
	}
	// SNI is the name that was given.
	name := make(chan string, 1)
	sni := config.Clone()
	sni.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		name <- hello.ServerName
		return nil, nil
	}
	where = serveTLS(t, sni, answer)
	start(t, input(t, "x"), "-c", "--tls-ca", m.file, "--tls-name", "localhost", "127.0.0.1:"+where[1]).ends(0, `heard "x"`, "")
	if got := <-name; got != "localhost" {
		t.Errorf("SNI is %q", got)
	}
}

// TestTLSRefusals: every refusal says why in one line and ends with 3.
func TestTLSRefusals(t *testing.T) {
	t.Parallel()
	m, other := newMint(t), newMint(t)
	good, _, _ := m.issue("good", nil)
	expired, _, _ := m.issue("expired", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2021, 2, 3, 4, 5, 6, 0, time.UTC)
	})
	named, _, _ := m.issue("named", func(c *x509.Certificate) {
		c.DNSNames, c.IPAddresses = []string{"a.test", "b\x1b[2J.test"}, nil
	})
	tests := []struct {
		name   string
		config *tls.Config
		args   []string
		want   string
	}{
		{"unknown authority", &tls.Config{Certificates: []tls.Certificate{good}}, []string{"--tls-ca", other.file}, `unknown authority: "CN=Test CA" signed the certificate`},
		{"system authorities", &tls.Config{Certificates: []tls.Certificate{good}}, nil, "unknown authority"},
		{"expired", &tls.Config{Certificates: []tls.Certificate{expired}}, []string{"--tls-ca", m.file}, "certificate expired on 2021-02-03 04:05:06 UTC"},
		{"name mismatch", &tls.Config{Certificates: []tls.Certificate{named}}, []string{"--tls-ca", m.file}, `name mismatch: certificate is for "a.test"`},
		{"given name", &tls.Config{Certificates: []tls.Certificate{good}}, []string{"--tls-ca", m.file, "--tls-name", "c.test"}, `not for "c.test"`},
		{"pinned another", &tls.Config{Certificates: []tls.Certificate{good}}, []string{"--tls-ca", m.file, "--tls-fingerprint", strings.Repeat("0", 64)}, "fingerprint mismatch: the peer's certificate has " + fingerprintOf(good)},
		{"old version", &tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, []string{"--tls-insecure"}, "protocol version not supported"},
		{"no protocol", &tls.Config{Certificates: []tls.Certificate{good}, NextProtos: []string{"x"}}, []string{"--tls-insecure", "--tls-alpn", "y"}, `the peer refused: "no application protocol"`},
		{"certificate wanted, 1.3", &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert}, []string{"--tls-insecure"}, `the peer refused: "certificate required"`},
		{"certificate wanted, 1.2", &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, []string{"--tls-insecure"}, `the peer refused: `},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			where := serveTLS(t, tt.config, answer)
			args := append(append([]string{"-c"}, tt.args...), where...)
			start(t, input(t, "hello"), args...).ends(3, "", tt.want)
		})
	}
	t.Run("refused and reset", func(t *testing.T) {
		t.Parallel()
		// It closes right behind its alert, with our upload unread.
		where := serve(t, "tcp", func(c halfConn) {
			s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert})
			if err := s.Handshake(); err == nil {
				t.Error("it was not refused")
			}
		})
		start(t, input(t, bigText(1)), append([]string{"-c", "--tls-insecure"}, where...)...).ends(3, "", `the peer refused: "certificate required"`)
	})
	t.Run("plain server", func(t *testing.T) {
		t.Parallel()
		where := serve(t, "tcp", func(c halfConn) { _, _ = io.WriteString(c, "220 mail ready\r\n"); readAll(c) })
		start(t, nil, append([]string{"-c"}, where...)...).ends(3, "", `the peer does not speak TLS: it sent "220 m"`)
	})
	t.Run("closing server", func(t *testing.T) {
		t.Parallel()
		where := serve(t, "tcp", func(c halfConn) { _, _ = c.Read(make([]byte, 1<<12)) })
		start(t, nil, append([]string{"-c"}, where...)...).ends(3, "", "closed the connection during the handshake")
	})
	t.Run("silent server", func(t *testing.T) {
		t.Parallel()
		where := serve(t, "tcp", func(c halfConn) { readAll(c) })
		start(t, nil, append([]string{"-c", "--connect-timeout", "2s"}, where...)...).ends(4, "", "handshake timed out after 2s (connect limit)")
	})
	t.Run("no retry", func(t *testing.T) {
		t.Parallel()
		where := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{good}}, answer)
		start(t, nil, append([]string{"-c", "--retry", "20s"}, where...)...).ends(3, "", "unknown authority")
	})
	// What forwards to a server that is not there yet accepts, and closes.
	t.Run("retry", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() { // ends with the listener
			for try := 1; ; try++ {
				c, err := l.Accept()
				if err != nil {
					return
				}
				switch try {
				case 1:
					c.Close()
				case 2:
					resetNow(c)
				default:
					s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{good}})
					_, _ = io.WriteString(s, "up")
					s.Close()
				}
			}
		}()
		start(t, nil, "-cd", "--tls-insecure", "--retry", "20s", l.Addr().String()).ends(0, "up", "")
	})
}

// TestTLSCutShort: the end of TCP is not the end of TLS.
func TestTLSCutShort(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	cert, certFile, keyFile := m.issue("server", nil)
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := config.Clone()
		config.MaxVersion = version
		where := serveTLS(t, config, func(c *tls.Conn) {
			_, _ = io.WriteString(c, "part")
			_ = c.NetConn().(halfConn).CloseWrite()
			_, _ = io.Copy(io.Discard, c.NetConn())
		})
		start(t, nil, append([]string{"-c", "--tls-ca", m.file}, where...)...).ends(5, "part", "cut short: the connection ended without close_notify")
	}
	// The listener tells, too.
	p, c := listening(t, "tcp", nil, "-c", "--tls-cert", certFile, "--tls-key", keyFile)
	s := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	if _, err := io.WriteString(s, "part"); err != nil {
		t.Fatal(err)
	}
	_ = c.CloseWrite()
	p.ends(5, "part", "after 4 bytes: TLS: cut short")
}

// TestTLSSendOnly: what is cut short was not wanted.
func TestTLSSendOnly(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	cert, _, _ := m.issue("server", nil)
	for range 10 {
		got := make(chan string, 1)
		where := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}, func(c *tls.Conn) {
			_, _ = io.WriteString(c, "unwanted")
			got <- readAll(c)
			_ = c.NetConn().Close() // without a close_notify
		})
		start(t, input(t, "all of it"), append([]string{"--send-only", "-c", "--tls-ca", m.file}, where...)...).ends(0, "", "")
		if text := <-got; text != "all of it" {
			t.Errorf("the peer got %q", text)
		}
	}
}

// TestTLSListener has clients of all kinds meet a listener with a throw-away
// certificate; none of them ends it, and one that says nothing holds up no other.
func TestTLSListener(t *testing.T) {
	t.Parallel()
	p, address := listener(t, "tcp", nil, "-vk", "-c", "--connect-timeout", "20s")
	p.err.await(t, "throw-away certificate with SHA-256 fingerprint ")
	_, rest, _ := strings.Cut(p.err.String(), "fingerprint ")
	pin, _, _ := strings.Cut(rest, "\n")

	dialTest(t, "tcp", address) // says nothing
	plain := dialTest(t, "tcp", address)
	if _, err := io.WriteString(plain, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	p.err.await(t, `the peer does not speak TLS: it sent "GET /"`)
	gone := dialTest(t, "tcp", address)
	gone.Close()
	p.err.await(t, "closed the connection during the handshake")
	doubter := start(t, nil, "-c", address)
	doubter.ends(3, "", "unknown authority: self-signed certificate")
	p.err.await(t, `the peer refused: "bad certificate"`)

	for i := range 3 {
		line := fmt.Sprintf("line %d\n", i)
		start(t, input(t, line), "-c", "--tls-fingerprint", pin, address).ends(0, "", "")
		p.out.await(t, line)
	}
	start(t, nil, "-c", "--tls-fingerprint", strings.Repeat("ab", 32), address).ends(3, "", "fingerprint mismatch")
}

// TestTLSPeerGone: a peer that has everything, and has closed the connection
// before our close_notify comes, is an end in order.
func TestTLSPeerGone(t *testing.T) {
	t.Parallel()
	stdin, hold := pipe(t)
	p, c := listening(t, "tcp", stdin, "-c")
	say(t, hold, "text")
	s := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	told(t, s, "text")
	_ = s.CloseWrite()
	c.Close()
	p.out.awaitEOF(t)
	hold.Close()
	p.ends(0, "", "")
}

// TestTLSSilentClient: a client that never shakes hands is not waited for.
func TestTLSSilentClient(t *testing.T) {
	t.Parallel()
	p, c := listening(t, "tcp", nil, "-c", "--connect-timeout", "2s")
	_ = readAll(c)
	p.ends(4, "", "TLS with "+c.LocalAddr().String()+": handshake timed out after 2s (connect limit)")
}

// TestTLSInputWaits: standard input belongs to the first peer that gets through
// the handshake.
func TestTLSInputWaits(t *testing.T) {
	t.Parallel()
	p, address := listener(t, "tcp", input(t, "for one"), "-k", "-c")
	gone := dialTest(t, "tcp", address)
	gone.Close()
	p.err.await(t, "during the handshake")
	start(t, nil, "-c", "--tls-insecure", address).ends(0, "for one", "")
}

// TestTLSClientCertificates has a listener ask for certificates.
func TestTLSClientCertificates(t *testing.T) {
	t.Parallel()
	m, other := newMint(t), newMint(t)
	_, certFile, keyFile := m.issue("server", nil)
	cert, clientCert, clientKey := m.issue("client", func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
	_, wrongCert, wrongKey := other.issue("wrong", nil)
	p, address := listener(t, "tcp", nil, "-vk", "-c", "--tls-cert", certFile, "--tls-key", keyFile, "--tls-client-ca", m.file)
	base := []string{"-c", "--tls-ca", m.file, address}
	start(t, input(t, "none\n"), base...).ends(3, "", `the peer refused: "certificate required"`)
	p.err.await(t, "the peer has no certificate")
	start(t, input(t, "wrong\n"), append([]string{"--tls-cert", wrongCert, "--tls-key", wrongKey}, base...)...).ends(3, "", `the peer refused: "unknown certificate authority"`)
	start(t, input(t, "right\n"), append([]string{"--tls-cert", clientCert, "--tls-key", clientKey}, base...)...).ends(0, "", "")
	p.out.await(t, "right\n")
	if p.out.String() != "right\n" {
		t.Errorf("refused clients were heard: %q", p.out)
	}
	p.err.await(t, `certificate of "CN=client" with SHA-256 fingerprint `+fingerprintOf(cert))
}

// TestTLSBothWays sends much both ways at once, the listener reading from its
// standard input, and compares.
func TestTLSBothWays(t *testing.T) {
	t.Parallel()
	one, two := bigText(1), bigText(2)
	p, address := listener(t, "tcp", input(t, one), "-c")
	start(t, input(t, two), "-c", "--tls-insecure", address).ends(0, one, "")
	p.ends(0, two, "")
}

// bigText is a few megabytes that are not alike.
func bigText(seed int) string {
	lines := make([]byte, 0, 4<<20)
	for i := 0; len(lines) < cap(lines)-100; i += seed {
		lines = strconv.AppendInt(lines, int64(i)*1_000_003, 10)
		lines = append(lines, " of these and no other line\n"...)
	}
	return string(lines)
}

// TestTLSInputError: half an upload must not look like a whole one.
func TestTLSInputError(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	cert, _, _ := m.issue("server", nil)
	ended := make(chan error, 1)
	where := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}, func(c *tls.Conn) {
		_, err := io.ReadAll(c)
		ended <- err
	})
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	start(t, dir, append([]string{"-c", "--tls-ca", m.file}, where...)...).ends(1, "", "standard input: is a directory")
	if err := <-ended; err == nil {
		t.Error("the server took it for an end in order")
	}
}
