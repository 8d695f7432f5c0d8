package tlsconn

import (
	"bytes"
	"crypto/tls"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"gcat/internal/conn"
)

// clientHello is what a client says first.
func clientHello(t *testing.T) []byte {
	t.Helper()
	c, s := net.Pipe()
	go func() { _ = tls.Client(c, &tls.Config{ServerName: "x.test"}).Handshake() }() // ends with the pipe
	defer c.Close()
	hello := make([]byte, 1<<12)
	n, err := s.Read(hello)
	if err != nil {
		t.Fatal(err)
	}
	return hello[:n]
}

// A peer that sends a byte of its ClientHello each second has ten seconds in all,
// whatever the idle limit; a byte that comes too late is met by that.
func TestLimits(t *testing.T) {
	hello := clientHello(t)
	config := must(t)(Options{}.ServerConfig())
	for name, c := range map[string]struct {
		limits Limits
		after  time.Duration
		words  string
	}{
		"total":           {Limits{Total: HandshakeLimit}, 10 * time.Second, "handshake timed out after 10s (handshake limit)"},
		"idle on top":     {Limits{Total: HandshakeLimit, Idle: 2 * time.Second}, 10 * time.Second, "handshake timed out after 10s (handshake limit)"},
		"a name":          {Limits{Total: 30 * time.Second, TotalName: "connect limit"}, 30 * time.Second, "handshake timed out after 30s (connect limit)"},
		"idle":            {Limits{Total: HandshakeLimit, Idle: 500 * time.Millisecond}, 500 * time.Millisecond, "no byte of the handshake moved for 500ms (idle limit)"},
		"idle only":       {Limits{Idle: 500 * time.Millisecond}, 500 * time.Millisecond, "no byte of the handshake moved for 500ms (idle limit)"},
		"all of it comes": {Limits{}, time.Duration(len(hello)) * time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				peer, ours := net.Pipe()
				left := make(chan struct{})
				go func() { // ends with the pipe
					defer close(left)
					defer peer.Close()
					for _, b := range hello {
						if _, err := peer.Write([]byte{b}); err != nil {
							return
						}
						time.Sleep(time.Second)
					}
				}()
				start := time.Now()
				_, err := Server(t.Context(), conn.NewSocket(ours), config, c.limits)
				took := time.Since(start)
				kind := conn.Timeout
				if c.limits == (Limits{}) {
					kind = conn.TLS
				}
				wantError(t, err, kind, c.words)
				if took < c.after || took > c.after+time.Second {
					t.Errorf("it took %v, want %v", took, c.after)
				}
				<-left
			})
		})
	}
	if !bytes.Equal(hello[:3], []byte{22, 3, 1}) {
		t.Errorf("a ClientHello begins with % x", hello[:3])
	}
}
