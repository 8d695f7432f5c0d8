package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// A certificate that expires while the connection lasts ends nothing; it only
// lets nobody in any more.
func TestTLSExpires(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	end := time.Now().Add(8 * time.Second)
	cert, _, _ := m.issue("server", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), end
	})
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	at := serveTLS(t, config, func(c *tls.Conn) {
		_, _ = io.WriteString(c, "before, ")
		time.Sleep(time.Until(end.Add(1500 * time.Millisecond)))
		_, _ = io.WriteString(c, "after")
		_ = c.CloseWrite()
		readAll(c)
	})
	stdin, hold := pipe(t)
	p := start(t, stdin, append([]string{"-c", "--tls-ca", m.file}, at...)...)
	p.out.await(t, "after")
	_, _ = io.WriteString(hold, "still heard")
	hold.Close()
	p.ends(0, "before, after", "")
	start(t, nil, append([]string{"-c", "--tls-ca", m.file}, serveTLS(t, config, answer)...)...).ends(3, "", "certificate expired on ")
}

// A reset in the middle of a TLS conversation, and a TCP end without the TLS
// one: status 5, and what had come is written out.
func TestTLSReset(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	cert, _, _ := m.issue("server", nil)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, how := range []string{"reset", "cut"} {
			var p *proc
			come := make(chan struct{})
			at := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: version}, func(c *tls.Conn) {
				_, _ = io.Copy(c, flow(51, 700_000))
				<-come
				if how == "reset" {
					resetNow(c.NetConn())
				} else {
					_ = c.NetConn().Close()
				}
			})
			stdin, _ := pipe(t)
			p = start(t, stdin, append([]string{"-c", "--tls-ca", m.file}, at...)...)
			awaitAtLeast(t, p.out, 700_000)
			close(come)
			if got := p.status(); got != 5 {
				t.Errorf("%s: status %d, want 5", how, got)
			}
			p.says(map[string]string{"reset": "after 700000 bytes: connection reset by peer", "cut": "after 700000 bytes: TLS: cut short"}[how])
			isFlow(t, "what arrived", p.out.String(), 51, 700_000)
		}
	}
}

// Bytes that are changed on the way are refused, and none of them is written
// out.
func TestTLSTampered(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	cert, _, _ := m.issue("server", nil)
	server := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}, func(c *tls.Conn) {
		_, _ = io.WriteString(c, "good")
		var b [1]byte
		_, _ = c.Read(b[:]) // the word that the rest is to be changed
		_, _ = io.WriteString(c, "EVIL EVIL EVIL EVIL")
		readAll(c)
	})
	var evil atomic.Bool
	at := serve(t, "tcp", func(c halfConn) { // the one in the middle
		up, err := net.Dial("tcp", server[0]+":"+server[1])
		if err != nil {
			return
		}
		defer up.Close()
		go func() { _, _ = io.Copy(up, c) }() // ends with up
		buf := make([]byte, 1<<16)
		for n, err := up.Read(buf); err == nil; n, err = up.Read(buf) {
			if evil.Load() {
				buf[n-3] ^= 1
			}
			_, _ = c.Write(buf[:n])
		}
	})
	stdin, hold := pipe(t)
	p := start(t, stdin, append([]string{"-c", "--tls-ca", m.file}, at...)...)
	p.out.await(t, "good")
	evil.Store(true)
	_, _ = io.WriteString(hold, "!")
	if got := p.status(); got != 5 {
		t.Errorf("status %d, want 5", got)
	}
	p.says("after 4 bytes")
	p.says("TLS: the data was changed on its way: bad record MAC")
	if got := p.out.String(); got != "good" {
		t.Errorf("standard output is %q", got)
	}
}

// A server that asks for a new handshake in the middle (TLS 1.2) is refused:
// status 5, in words.
func TestTLSRenegotiation(t *testing.T) {
	t.Parallel()
	openssl := script.Peer(t, "openssl")
	m := newMint(t)
	_, certFile, keyFile := m.issue("server", nil)
	// openssl does not tell a port that it chose: one of ours, just freed.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	stdin, commands := pipe(t)
	server := exec.Command(openssl, "s_server", "-tls1_2", "-accept", address, "-cert", certFile, "-key", keyFile)
	server.Stdin = stdin
	s := launch(t, server)
	s.out.await(t, "ACCEPT")
	input, hold := pipe(t)
	p := start(t, input, "-c", "--tls-ca", m.file, address)
	_, _ = io.WriteString(hold, "hello\n")
	s.out.await(t, "hello")
	_, _ = io.WriteString(commands, "R\n")
	if got := p.status(); got != 5 {
		t.Errorf("status %d, want 5", got)
	}
	p.says("TLS: the peer asked for another handshake, which is refused")
}
