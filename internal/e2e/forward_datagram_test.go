package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// named answers each datagram with what it was and whom it came from.
func named(t *testing.T, c net.PacketConn) {
	t.Helper()
	t.Cleanup(func() { c.Close() })
	go func() { // ends with the socket
		buf := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = c.WriteTo(fmt.Appendf(nil, "%s from %v", buf[:n], from), from)
		}
	}()
}

// asks sends a datagram and returns the answer.
func asks(t *testing.T, c net.Conn, question string) string {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(limit))
	if _, err := c.Write([]byte(question)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<16)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

// udpClient is a socket of its own at address.
func udpClient(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Each peer has a socket of its own to the server, and gets the answers to it.
func TestForwardDatagrams(t *testing.T) {
	t.Parallel()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	named(t, server)
	p, address := listener(t, "udp", nil, "-uk", "--to", server.LocalAddr().String())
	one, two := udpClient(t, address), udpClient(t, address)
	var a, b string
	for range 3 { // in turn, so that an answer to the last peer would go astray
		a, b = asks(t, one, "one"), asks(t, two, "two")
		if a[:3] != "one" || b[:3] != "two" || a[3:] == b[3:] {
			t.Errorf("%q and %q", a, b)
		}
	}
	if again := asks(t, one, "one"); again != a {
		t.Errorf("%q, and then %q", a, again)
	}
	big := make([]byte, 65000)
	if got := asks(t, one, string(big)); len(got) < len(big) {
		t.Errorf("%d bytes of %d came back", len(got), len(big))
	}
	if got := asks(t, one, ""); !strings.HasPrefix(got, " from ") {
		t.Errorf("an empty datagram arrived as %q", got)
	}
	interrupt(t, p)
}

// With --max-conns the peer that was silent for longest is forgotten for a new
// one, and is a new one itself when it speaks again.
func TestForwardDatagramsForgets(t *testing.T) {
	t.Parallel()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	named(t, server)
	p, address := listener(t, "udp", nil, "-uk", "--max-conns", "2", "--to", server.LocalAddr().String())
	one, two, three := udpClient(t, address), udpClient(t, address), udpClient(t, address)
	a, b := asks(t, one, "x"), asks(t, two, "x")
	_ = asks(t, three, "x")
	if got := asks(t, two, "x"); got != b {
		t.Errorf("the one that spoke later was forgotten: %q, then %q", b, got)
	}
	if got := asks(t, one, "x"); got == a {
		t.Errorf("the one that was silent for longest is remembered as %q", a)
	}
	interrupt(t, p)

	// The one that goes without its answer is named.
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	p, address = listener(t, "udp", nil, "-ukv", "--max-conns", "1", "--to", silent.LocalAddr().String())
	one, two = udpClient(t, address), udpClient(t, address)
	_, _ = one.Write([]byte("x"))
	p.err.await(t, "gcat: accepted "+one.LocalAddr().String()+"\n")
	_, _ = two.Write([]byte("x"))
	p.err.await(t, ", ended by local\n")
	p.err.await(t, "gcat: wait for an answer to "+one.LocalAddr().String()+": a new peer took the place\n")
	interrupt(t, p)

	// A clock forgets, too; for a single peer it is the end.
	p, address = listener(t, "udp", nil, "-u", "-w", "0.2", "--to", server.LocalAddr().String())
	if got := asks(t, udpClient(t, address), "x"); got[:1] != "x" {
		t.Errorf("%q", got)
	}
	if got := p.status(); got != 4 {
		t.Errorf("status %d, want 4; it said %q", got, p.err)
	}
}

// A server that refuses is named, and the next datagram tries again.
func TestForwardDatagramsRefused(t *testing.T) {
	t.Parallel()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := server.LocalAddr().String()
	server.Close()
	p, address := listener(t, "udp", nil, "-uk", "--to", to)
	c := udpClient(t, address)
	_, _ = c.Write([]byte("x"))
	p.err.await(t, "gcat: receive from "+to+" after 0 bytes") // the datagram may not be counted as sent yet
	p.err.await(t, ": connection refused\n")
	server, err = net.ListenPacket("udp", to)
	if err != nil {
		t.Skip("the port was taken meanwhile")
	}
	named(t, server)
	if got := asks(t, c, "again"); got[:5] != "again" {
		t.Errorf("%q", got)
	}
	interrupt(t, p)
}

// Unix datagrams to UDP, and the answers back.
func TestForwardUnixDatagrams(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("clients bind themselves to abstract addresses")
	}
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	named(t, server)
	path := filepath.Join(t.TempDir(), "grams")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := gcatCmd("-lkuU", "--ready", "/dev/fd/3", "--to", "udp://"+server.LocalAddr().String(), path)
	cmd.ExtraFiles = []*os.File{w}
	p := launch(t, cmd)
	w.Close()
	if n, err := r.Read(make([]byte, 1)); n == 0 {
		t.Fatalf("it does not listen: %v; it said %q", err, p.err)
	}
	for range 2 {
		q := start(t, input(t, "question"), "-uU", "-W", "1", path)
		if q.status(); q.out.String()[:len("question from")] != "question from" {
			t.Errorf("%q; it said %q", q.out, q.err)
		}
	}
	interrupt(t, p)
}

// interrupt ends a listener.
func interrupt(t *testing.T, p *proc) {
	t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if got := p.status(); got != 130 {
		t.Errorf("status %d, want 130; it said %q", got, p.err)
	}
}
