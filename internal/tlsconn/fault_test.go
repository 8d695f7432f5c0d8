package tlsconn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"gcat/internal/conn"
)

// newAuthority returns an authority, and the file that clients trust it by.
func newAuthority(t *testing.T) (*Authority, string) {
	t.Helper()
	a, err := NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, a.PEM(), 0o644); err != nil {
		t.Fatal(err)
	}
	return a, path
}

// Each fault is met by a client that trusts the authority; without one it is
// content.
func TestFaults(t *testing.T) {
	authority, file := newAuthority(t)
	client := must(t)(Options{CA: file}.ClientConfig("localhost"))
	for fault, words := range map[Fault]string{
		"":            "",
		Expired:       "certificate expired on ",
		NotYet:        "certificate is not valid before ",
		WrongName:     `name mismatch: certificate is for "wrong.invalid", not for "localhost"`,
		Untrusted:     `unknown authority: "CN=throw-away authority" signed the certificate`,
		NoCloseNotify: "",
		Garbage:       `the peer does not speak TLS: it sent "HTTP/"`,
		ResetHello:    "the peer reset the connection during the handshake",
	} {
		t.Run(string(fault), func(t *testing.T) {
			server := must(t)(Options{Authority: authority, Fault: fault}.ServerConfig())
			tc, ts := tcpPair(t)
			served := make(chan error, 1)
			go func() {
				s, err := fault.Server(t.Context(), conn.NewSocket(ts), server, Limits{})
				if err == nil {
					_, _ = io.WriteString(s, "hello")
					_ = s.CloseWrite()
					_ = s.Close()
				}
				served <- err
			}()
			c, err := Client(t.Context(), tc, client)
			if words != "" {
				wantError(t, err, conn.TLS, words)
			} else if err != nil {
				t.Error(err)
			}
			if err == nil {
				got, err := io.ReadAll(c)
				if string(got) != "hello" {
					t.Errorf("%q, %v", got, err)
				}
				if fault == NoCloseNotify {
					wantError(t, err, conn.CutShort, "without close_notify")
				} else if err != nil {
					t.Error(err)
				}
			}
			if err := <-served; errors.Is(err, ErrFault) != (fault == Garbage || fault == ResetHello) {
				t.Errorf("the server ends with %v", err)
			}
		})
	}
}

// A stall lasts until the client has left or the server ends.
func TestFaultStall(t *testing.T) {
	server := must(t)(Options{}.ServerConfig())
	ctx, cancel := context.WithCancel(t.Context())
	for name, end := range map[string]func(net.Conn){
		"the client leaves": func(c net.Conn) { c.Close() },
		"the server ends":   func(net.Conn) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			ctx := ctx
			if !strings.Contains(name, "server") {
				ctx = t.Context()
			}
			tc, ts := tcpPair(t)
			served := make(chan error, 1)
			go func() { _, err := Stall.Server(ctx, ts, server, Limits{Total: time.Nanosecond}); served <- err }()
			go func() { _ = tls.Client(tc, &tls.Config{InsecureSkipVerify: true}).Handshake() }() // ends with tc
			select {
			case err := <-served:
				t.Fatalf("it ended by itself: %v", err)
			case <-time.After(50 * time.Millisecond):
			}
			end(tc)
			if err := <-served; !errors.Is(err, ErrFault) {
				t.Error(err)
			}
		})
	}
}

// What an authority signs is for this host, and a chain for any verifier.
func TestAuthority(t *testing.T) {
	authority, _ := newAuthority(t)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority.PEM()) {
		t.Fatal("no certificate in the PEM")
	}
	cert, err := Fault("").issue(authority)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		if _, err := cert.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: pool}); err != nil {
			t.Error(err)
		}
	}
	if _, err := cert.Leaf.Verify(x509.VerifyOptions{DNSName: "a.test", Roots: pool}); err == nil {
		t.Error("it is for a.test as well")
	}
}

// The key log has a line for each secret, is appended to, and only its owner may read it.
func TestKeyLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	server := must(t)(Options{KeyLog: path}.ServerConfig())
	client := must(t)(Options{KeyLog: path, Insecure: true}.ClientConfig("localhost"))
	for n := 1; n < 3; n++ {
		c, s, cerr, serr := handshakes(t, client, server)
		if cerr != nil || serr != nil {
			t.Fatal(cerr, serr)
		}
		c.Close()
		s.Close()
		log, err := os.ReadFile(path)
		if got := strings.Count(string(log), "CLIENT_HANDSHAKE_TRAFFIC_SECRET "); err != nil || got != 2*n {
			t.Errorf("%d lines after %d connections, %v:\n%s", got, n, err, log)
		}
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	_, err := Options{KeyLog: filepath.Join(path, "x")}.ServerConfig()
	wantError(t, err, conn.Local, "not a directory")
}
