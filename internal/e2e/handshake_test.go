//go:build unix

package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// inDrops sends a little at a time.
type inDrops struct{ net.Conn }

func (d inDrops) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		time.Sleep(20 * time.Millisecond)
		m := 0
		m, err = d.Conn.Write(p[n:min(n+16, len(p))])
		n += m
	}
	return n, err
}

// A TLS listener's idle limit is about bytes in the handshake, too; its connect
// limit is what was given, else 10 s.
func TestHandshakeClocks(t *testing.T) {
	t.Parallel()
	for _, limit := range [][]string{{"-w", "1"}, {"--idle-timeout", "1"}} {
		p, at := listener(t, "tcp", nil, append(limit, "-c")...)
		c := tls.Client(inDrops{dialTest(t, "tcp", at)}, &tls.Config{InsecureSkipVerify: true})
		if err := c.Handshake(); err != nil { // of 1500 bytes: longer than the limit
			t.Errorf("%q: %v; it said %q", limit, err, p.err)
		}
		_ = c.Close()
		p.ends(0, "", "")
	}
	for words, options := range map[string][]string{
		"no byte of the handshake moved for 300ms (idle limit)": {"-w", "0.3"},
		"no byte of the handshake moved for 200ms (idle limit)": {"-w", "0.2", "--connect-timeout", "0"},
		"handshake timed out after 2s (connect limit)":          {"--connect-timeout", "2"},
		"handshake timed out after 1.5s (connect limit)":        {"--connect-timeout", "1.5", "-w", "30"},
	} {
		p, at := listener(t, "tcp", nil, append(options, "-c")...)
		c := dialTest(t, "tcp", at)
		p.ends(4, "", "gcat: TLS with "+c.LocalAddr().String()+": "+words)
	}
}

// A client that does not trust our certificate says so in plain text, before it has
// keys.
func TestHandshakeDistrusted(t *testing.T) {
	t.Parallel()
	p, at := listener(t, "tcp", nil, "-c")
	client := launch(t, exec.Command(script.Peer(t, "openssl"), "s_client", "-connect", at, "-verify_return_error"))
	p.ends(3, "", `: the peer refused: "unknown certificate authority"`)
	client.status()
}

// dripping writes text a byte at a time, again and again, until the other side
// has had enough.
func dripping(c io.Writer, text string) {
	for i := 0; ; i++ {
		if _, err := io.WriteString(c, text[i%len(text):i%len(text)+1]); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Proxies and servers that answer a byte at a time, for ever: the connect limit
// is for all of the handshake, and not for each byte.
func TestHandshakeSlow(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		drip string
	}{
		"socks5":  {[]string{"-x", "socks5://PROXY", "192.0.2.1", "7"}, "\x05\x00\x05\x00\x00\x03\xff" + strings.Repeat("a", 1000)},
		"socks4":  {[]string{"-x", "socks4://PROXY", "192.0.2.1", "7"}, "\x00"},
		"connect": {[]string{"-x", "connect://PROXY", "192.0.2.1", "7"}, "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 10_000)},
		"tls":     {[]string{"-c", "PROXY"}, "\x16\x03\x03\x40\x00\x02" + strings.Repeat("\x00", 10_000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := serve(t, "tcp", func(h halfConn) { dripping(h, c.drip) })
			args := []string{"--connect-timeout", "500ms"}
			for _, a := range c.args {
				args = append(args, strings.ReplaceAll(a, "PROXY", at[0]+":"+at[1]))
			}
			p := start(t, input(t, "x"), args...)
			if got := p.status(); got != 4 && !(name == "socks4" && got == 3) { // zeros soon make a whole refusal
				t.Errorf("status %d, want 4", got)
			}
			p.says("gcat: ")
			if got := p.out.String(); got != "" {
				t.Errorf("standard output is %q", got)
			}
		})
	}
}

// A CONNECT reply whose header does not end is refused before it fills the
// memory, and without a limit in time.
func TestHandshakeEndlessHeader(t *testing.T) {
	t.Parallel()
	at := serve(t, "tcp", func(c halfConn) {
		line := "X-Padding: " + strings.Repeat("a", 1000) + "\r\n"
		_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for n := 0; err == nil && n < 64<<20; n += len(line) {
			_, err = io.WriteString(c, line)
		}
	})
	p := start(t, nil, "--connect-timeout", "0", "-x", "connect://"+at[0]+":"+at[1], "192.0.2.1", "7")
	if got := p.status(); got != 3 {
		t.Errorf("status %d, want 3", got)
	}
	p.says("gcat: ")
}

// Clients that take their time over a TLS handshake, or never begin it, hold up
// nobody else, and are let go.
func TestHandshakeSlowClients(t *testing.T) {
	t.Parallel()
	p, address := listener(t, "tcp", nil, "-k", "-c", "--connect-timeout", "6s")
	for range 10 {
		c := dialTest(t, "tcp", address)
		go dripping(c, "\x16\x03\x01\x20\x00\x01"+strings.Repeat("\x00", 9000))
	}
	start(t, input(t, "quick\n"), "-c", "--tls-insecure", address).ends(0, "", "")
	p.out.await(t, "quick\n")
	p.err.await(t, "handshake timed out after 6s")
	start(t, input(t, "again\n"), "-c", "--tls-insecure", address).ends(0, "", "")
	p.out.await(t, "again\n")
}

// gecho lets a client that drips live as long as --deadline says, and a silent
// one as long as -w; an end of file is what both see.
func TestHandshakeSlowClientsOfGecho(t *testing.T) {
	t.Parallel()
	e := launch(t, exec.Command(script.Path("gecho"), "-w", "2", "--deadline", "4", "127.0.0.1:0"))
	e.out.await(t, "\n")
	address := strings.TrimPrefix(strings.TrimSpace(e.out.String()), "tcp://")
	silent, slow := dialTest(t, "tcp", address), dialTest(t, "tcp", address)
	go dripping(slow, "x")
	if got := readAll(silent); got != "" {
		t.Errorf("the silent client got %q", got)
	}
	if got := readAll(slow); strings.Trim(got, "x") != "" || got == "" {
		t.Errorf("the slow client got %.100q", got)
	}
	e.err.await(t, silent.LocalAddr().String())
	e.err.await(t, slow.LocalAddr().String())
}

// Peers in their handshake do not keep a client out that is done with it: they do
// not count for --max-conns.
func TestHandshakeHalfHellos(t *testing.T) {
	t.Parallel()
	p, address := listener(t, "tcp", nil, "-kcv", "--max-conns", "2", "--connect-timeout", "1m")
	for range 50 {
		c := dialTest(t, "tcp", address)
		_, _ = io.WriteString(c, "\x16\x03\x01\x20")
	}
	for i := range 5 {
		word := fmt.Sprintf("word %d\n", i)
		start(t, input(t, word), "-c", "--tls-insecure", "--connect-timeout", "30", address).ends(0, "", "")
		p.out.await(t, word)
	}
}

// Those who are done count: at --max-conns the next wait.
func TestHandshakeMaxConns(t *testing.T) {
	t.Parallel()
	p, address := listener(t, "tcp", nil, "-kcv", "--max-conns", "1")
	config := &tls.Config{InsecureSkipVerify: true}
	first := tls.Client(dialTest(t, "tcp", address), config)
	if _, err := io.WriteString(first, "one\n"); err != nil {
		t.Fatal(err)
	}
	p.out.await(t, "one\n")
	second := tls.Client(dialTest(t, "tcp", address), config)
	go func() { _, _ = io.WriteString(second, "two\n") }() // ends when it is served
	time.Sleep(100 * time.Millisecond)                     // it would be served by now
	if _, err := io.WriteString(first, "one more\n"); err != nil {
		t.Fatal(err)
	}
	p.out.await(t, "one more\n")
	if strings.Contains(p.out.String(), "two") {
		t.Errorf("the second was served beside the first: %q", p.out)
	}
	_ = first.Close()
	p.out.await(t, "two\n")
}
