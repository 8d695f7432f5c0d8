package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// What our own receive buffer drops is counted: in one line without -v, and in
// the log. The status is that of the end.
func TestDropped(t *testing.T) {
	t.Parallel()
	const n = 1000
	ready := filepath.Join(t.TempDir(), "ready")
	p := start(t, nil, "-lu", "--log", "json", "--rcvbuf", "4K", "--ready", ready, "127.0.0.1", "0")
	address := awaitFile(t, ready)
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	c, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range n {
		_, _ = c.Write([]byte("x"))
	}
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
	p.out.await(t, "x")
	_ = p.cmd.Process.Signal(syscall.SIGINT)
	p.status()
	dropped := n - strings.Count(p.out.String(), "x")
	for _, want := range []string{
		fmt.Sprintf("%s: %d datagrams dropped, the receive buffer was full (--rcvbuf)", address, dropped),
		fmt.Sprintf(`"dropped":%d`, dropped),
	} {
		if !strings.Contains(p.err.String(), want) {
			t.Errorf("%q is not in %q", want, p.err)
		}
	}
}

// A signal loses no datagram that has come: not in the kernel, and not in a batch of
// which the first are written.
func TestDatagramsBeforeSignal(t *testing.T) {
	t.Parallel()
	const n = 100
	burst := func(t *testing.T, p *proc, say func(string)) {
		say("first\n")
		p.out.await(t, "first")
		stopFor(t, p, 0, func() {
			for range n {
				say("more\n")
			}
			_ = p.cmd.Process.Signal(syscall.SIGINT)
		})
		p.status()
		if got := strings.Count(p.out.String(), "more"); got != n {
			t.Errorf("%d of %d datagrams were written", got, n)
		}
	}
	for _, flags := range [][]string{nil, {"-k"}, {"-C"}} {
		ready := filepath.Join(t.TempDir(), "ready")
		p := start(t, nil, append(flags, "-lu", "--ready", ready, "127.0.0.1", "0")...)
		c, err := net.Dial("udp", awaitFile(t, ready))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		burst(t, p, func(text string) { _, _ = c.Write([]byte(text)) })
	}
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	stdin, hold := pipe(t)
	p := start(t, stdin, "-u", server.LocalAddr().String())
	_, _ = hold.WriteString("question")
	_, client, err := server.ReadFrom(make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	burst(t, p, func(text string) { _, _ = server.WriteTo([]byte(text), client) })
}

// gecho's totals have them as well.
func TestDroppedTotals(t *testing.T) {
	t.Parallel()
	const n = 5000
	s := gecho(t, 1, "--log", "json", "udp://127.0.0.1:0")
	_ = s.cmd.Process.Signal(syscall.SIGSTOP)
	c, err := net.Dial("udp", s.address[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range n {
		_, _ = c.Write(make([]byte, 1000))
	}
	_ = s.cmd.Process.Signal(syscall.SIGCONT)
	_, _ = c.Read(make([]byte, 1000)) // it runs again
	s.end(syscall.SIGTERM)
	_, totals, _ := strings.Cut(s.err.String(), `"event":"totals"`)
	var o struct{ Datagrams, Dropped int }
	if err := json.Unmarshal([]byte(`{"event":"totals"`+totals), &o); err != nil || o.Dropped == 0 || o.Datagrams == 0 || o.Datagrams+o.Dropped > n {
		t.Errorf("%d came and %d were dropped of %d, %v: %s", o.Datagrams, o.Dropped, n, err, s.err)
	}
}

// A signal loses no datagram that has come to a forwarder, from a peer that it knows, from
// a new one, or from the server.
func TestForwardedBeforeSignal(t *testing.T) {
	t.Parallel()
	const n = 12
	server := script.UDPPeer(t, "127.0.0.1:0")
	p, address := listener(t, "udp", nil, "-uk", "--to", server.LocalAddr().String())
	known, other := udpClient(t, address), udpClient(t, address)
	buf := make([]byte, 10)
	_, _ = io.WriteString(known, "first")
	_, from, err := server.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	stopFor(t, p, 0, func() {
		for range n {
			_, _ = io.WriteString(known, "known")
			_, _ = io.WriteString(other, "other")
			_, _ = server.WriteTo([]byte("answer"), from)
		}
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	})
	if got := p.status(); got != 128+int(syscall.SIGTERM) {
		t.Errorf("status %d; it said %q", got, p.err)
	}
	for _, c := range []struct {
		name string
		net.Conn
		want int
	}{{"the server", server, 2 * n}, {"the peer", known, n}} {
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		for i := range c.want { // what was sent has arrived before the process has ended
			if _, err := c.Read(buf); err != nil {
				t.Errorf("%s got %d of %d", c.name, i, c.want)
				break
			}
		}
	}
}
