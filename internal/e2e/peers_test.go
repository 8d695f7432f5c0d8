package e2e

import (
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
)

// TestRules: who may not connect is closed and logged, and takes no slot.
func TestRules(t *testing.T) {
	t.Parallel()
	from := func(t *testing.T, source, address string) net.Conn {
		t.Helper()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
		c, err := d.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	for _, where := range []string{"127.0.0.1", "0.0.0.0", "::"} { // :: sees IPv4 peers as IPv6 ones
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			p := start(t, nil, "-l", "-v", "--allow", "127.0.0.0/29,::1", "--deny", "127.0.0.3", where, "0")
			p.err.await(t, "listening on ")
			_, rest, _ := strings.Cut(p.err.String(), "listening on ")
			line, _, _ := strings.Cut(rest, "\n")
			_, port, err := net.SplitHostPort(line)
			if err != nil {
				t.Fatal(err)
			}
			address := net.JoinHostPort("127.0.0.1", port)
			for _, source := range []string{"127.0.0.3", "127.0.0.8"} {
				c := from(t, source, address)
				if got, err := io.ReadAll(c); len(got) > 0 || err != nil && !isReset(err) {
					t.Errorf("%s heard %q, %v", source, got, err)
				}
				p.err.await(t, "refused "+c.LocalAddr().String()+" by rule")
			}
			c := from(t, "127.0.0.2", address)
			if _, err := io.WriteString(c, "hello"); err != nil {
				t.Fatal(err)
			}
			c.Close()
			if status := p.status(); status != 0 || p.out.String() != "hello" {
				t.Errorf("status %d, %q: %q", status, p.out, p.err)
			}
		})
	}
}

// TestRulesLogged as an object.
func TestRulesLogged(t *testing.T) {
	t.Parallel()
	p, address := listener(t, "tcp", nil, "-k", "--log", "json", "--deny", "0.0.0.0/0")
	c := dialTest(t, "tcp", address)
	readAll(c)
	p.err.await(t, "refused-by-rule")
	for line := range strings.Lines(p.err.String()) {
		var e struct{ Event, Local, Remote string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if e.Event == "refused-by-rule" && e.Local == address && e.Remote == c.LocalAddr().String() {
			return
		}
	}
	t.Errorf("it said %q", p.err)
}

// TestMaxConns: a full server does not accept; the next client waits and is served
// when there is a place, be it with a command, over TLS or in a chat.
func TestMaxConns(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-e", "echo hello; cat"}, {"--chat"}} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			p, address := listener(t, "tcp", nil, append(args, "-vk", "--max-conns", "2")...)
			hello := make([]byte, 1)
			first, second := dialTest(t, "tcp", address), dialTest(t, "tcp", address)
			for _, c := range []halfConn{first, second} {
				if _, err := io.ReadFull(c, hello); err != nil {
					t.Fatal(err)
				}
			}
			third := dialTest(t, "tcp", address)
			say(t, third, "patience\n")
			resetNow(first)
			if _, err := io.ReadFull(third, hello); err != nil {
				t.Fatal(err)
			}
			p.err.await(t, first.LocalAddr().String()+": sent")
			p.err.await(t, "accepted "+third.LocalAddr().String())
			said := p.err.String()
			closed := strings.Index(said, first.LocalAddr().String()+": sent")
			accepted := strings.Index(said, "accepted "+third.LocalAddr().String())
			if closed < 0 || accepted < closed {
				t.Errorf("the third was accepted before the first had left:\n%s", said)
			}
		})
	}
}
