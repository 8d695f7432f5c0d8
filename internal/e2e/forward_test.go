package e2e

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// forwarding starts gcat -l --to a server that is peer, and connects to it.
func forwarding(t *testing.T, network string, peer func(halfConn), args ...string) (*proc, halfConn) {
	t.Helper()
	where := serve(t, network, peer)
	to := strings.Join(where, ":")
	if network == "unix" {
		to = "unix:" + where[1]
	}
	return listening(t, network, nil, append(args, "--to", to)...)
}

// Each half-close is passed on by itself, whichever side it comes from first, and
// all that is said after it.
func TestForwardHalfCloses(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, network string) {
		heard := make(chan string, 1)
		p, c := forwarding(t, network, func(c halfConn) {
			heard <- readAll(c)
			_, _ = io.WriteString(c, "late answer")
		})
		_, _ = io.WriteString(c, "question")
		_ = c.CloseWrite()
		if got := <-heard; got != "question" {
			t.Errorf("the server heard %q", got)
		}
		if got := readAll(c); got != "late answer" {
			t.Errorf("the client heard %q", got)
		}
		p.ends(0, "", "")

		p, c = forwarding(t, network, func(c halfConn) {
			_, _ = io.WriteString(c, "greeting")
			_ = c.CloseWrite()
			heard <- readAll(c)
		})
		if got := readAll(c); got != "greeting" {
			t.Errorf("the client heard %q", got)
		}
		_, _ = io.WriteString(c, "late word")
		_ = c.CloseWrite()
		if got := <-heard; got != "late word" {
			t.Errorf("the server heard %q", got)
		}
		p.ends(0, "", "")
	})
}

// A reset of either side is passed on to the other, and the line names the side
// that was reset.
func TestForwardResets(t *testing.T) {
	t.Parallel()
	p, c := forwarding(t, "tcp", func(c halfConn) {
		_, _ = io.ReadFull(c, make([]byte, 8))
		resetNow(c)
	})
	_, _ = io.WriteString(c, "question")
	if _, err := c.Read(make([]byte, 1)); !isReset(err) {
		t.Errorf("the client met %v", err)
	}
	p.ends(5, "", "gcat: receive from 127.0.0.1:")

	met := make(chan error, 1)
	p, c = forwarding(t, "tcp", func(c halfConn) {
		_, _ = io.WriteString(c, "greeting")
		_, err := io.Copy(io.Discard, c)
		met <- err
	})
	_, _ = io.ReadFull(c, make([]byte, 8))
	resetNow(c)
	if err := <-met; !isReset(err) {
		t.Errorf("the server met %v", err)
	}
	p.ends(5, "", "gcat: receive from "+c.LocalAddr().String())
}

// A peer whose server cannot be reached is reset; the listener goes on with -k.
func TestForwardUnreachable(t *testing.T) {
	t.Parallel()
	nowhere := "127.0.0.1:" + freePort(t)
	p, address := listener(t, "tcp", nil, "--to", nowhere)
	if err := meets(address); !isReset(err) {
		t.Errorf("the client met %v", err)
	}
	p.ends(3, "", "gcat: connect to "+nowhere+": connection refused\n")

	p, address = listener(t, "tcp", nil, "-k", "--to", nowhere)
	for i := range 2 {
		if err := meets(address); !isReset(err) {
			t.Errorf("client %d met %v", i, err)
		}
		p.err.awaitLines(t, i+1)
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	p.status()

	// --retry is of that connection, and --connect-timeout bounds no wait for a peer.
	p, c := listening(t, "tcp", nil, "--to", nowhere, "--retry", "60", "--connect-timeout", "60")
	l, err := net.Listen("tcp", nowhere)
	if err != nil {
		t.Skip("the port was taken meanwhile")
	}
	defer l.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(server, "here")
	server.Close()
	if got := readAll(c); got != "here" {
		t.Errorf("the client heard %q", got)
	}
	c.Close()
	p.ends(0, "", "")
}

// meets is how a connection to address ends that sends nothing: it may be reset
// before connect(2) has returned.
func meets(address string) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(limit))
	_, err = c.Read(make([]byte, 1))
	return err
}

// Many peers at once, each with its own connection, and a clock for each.
func TestForwardMany(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "server")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	p, address := listener(t, "tcp", nil, "-k", "-w", "60", "--max-conns", "200", "--to", path)
	const peers = 150
	done := make(chan string, peers)
	text := strings.Repeat("0123456789", 20000)
	for range peers {
		c := dialTest(t, "tcp", address)
		go func() {
			go func() {
				_, _ = io.WriteString(c, text)
				_ = c.CloseWrite()
			}()
			done <- readAll(c)
		}()
	}
	for range peers {
		if got := <-done; got != text {
			t.Fatalf("a peer got %d bytes of %d", len(got), len(text))
		}
	}
	// A silent one is ended by its clock, in order of its own.
	q, c := listening(t, "tcp", nil, "-w", "0.2", "--to", path)
	defer c.Close()
	if got := q.status(); got != 4 {
		t.Errorf("status %d of a conversation without a byte, want 4; it said %q", got, q.err)
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(limit):
		t.Error("SIGINT did not end it")
	}
}

// The log names both ends.
func TestForwardLog(t *testing.T) {
	t.Parallel()
	p, c := forwarding(t, "tcp", func(c halfConn) { _, _ = io.Copy(c, c) }, "--log", "json")
	_, _ = io.WriteString(c, "twelve bytes")
	_ = c.CloseWrite()
	_ = readAll(c)
	if p.status() != 0 {
		t.Errorf("it said %q", p.err)
	}
	for _, want := range []string{`"event":"closed"`, `"sent":12`, `"received":12`, `"to":"127.0.0.1:`} {
		if !strings.Contains(p.err.String(), want) {
			t.Errorf("no %s in %q", want, p.err)
		}
	}
}

// A peer that is gone before the endpoint of --to is reached ends the dial, and frees
// its slot. What a Unix peer has left behind is delivered all the same.
func TestForwardPeerLeaves(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, network string) {
		nowhere := filepath.Join(t.TempDir(), "nowhere")
		p, c := listening(t, network, nil, "-k", "--max-conns", "1", "--retry", "60", "--to", nowhere)
		resetNow(c)
		p.err.await(t, "it left before "+nowhere+" was reached")
		at := c.RemoteAddr().String()
		c = dialTest(t, network, at)
		_, _ = io.WriteString(c, "here")
		if network == "unix" {
			c.Close()
		}
		l, err := net.Listen("unix", nowhere)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		got := make([]byte, 4)
		if _, err := io.ReadFull(server, got); err != nil || string(got) != "here" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// An endpoint of --to that is the listener's own address is refused.
func TestForwardSelf(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	free := "127.0.0.1:" + port
	path := filepath.Join(t.TempDir(), "self")
	for _, args := range [][]string{
		{"-lk", "--to", "localhost:" + port, port},
		{"-luk", "--to", free, "127.0.0.1", port},
		{"-lkU", "--to", path, path},
	} {
		start(t, nil, args...).ends(2, "", "it is our own address")
	}
	for _, args := range [][]string{
		{"--to", "localhost:" + port, ":" + port},
		{"--to", "udp://" + free, "udp://" + free},
		{"--to", path, "0", path},
	} {
		launch(t, exec.Command(script.Path("gecho"), args...)).ends(2, "", "it is our own address")
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("its socket is left behind")
	}
}
