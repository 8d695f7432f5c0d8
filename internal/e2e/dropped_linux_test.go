package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
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
