//go:build unix

package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The half-close grid: what one direction does must not depend on what the
// other one is doing. While the other direction is quiet, filled (its reader
// does not read, every buffer on the way is full) or done (ended before), data
// and then the end of file must pass in, and out, of a client, and of a
// listener: 24 marks for each kind of connection.
//
// Each cell is a whole conversation: after its two marks the other direction is
// emptied and ended, what went through it is compared, and the status is 0.
func TestGrid(t *testing.T) {
	m := newMint(t)
	_, certFile, keyFile := m.issue("server", nil)
	client := &tls.Config{RootCAs: nil, InsecureSkipVerify: true} // what is tested is gcat's end
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	server := &tls.Config{Certificates: []tls.Certificate{cert}}
	secure := []string{"-c", "--tls-ca", m.file}
	offer := []string{"-c", "--tls-cert", certFile, "--tls-key", keyFile}
	for _, k := range []gridKind{
		{name: "tcp", network: "tcp"},
		{name: "unix", network: "unix"},
		{name: "tls", network: "tcp", dial: secure, listen: offer, server: server, client: client},
		{name: "socks5", network: "tcp", proxy: "socks5", agree: socksTest},
		{name: "connect", network: "tcp", proxy: "connect", agree: connectTest},
		{name: "tls through socks5", network: "tcp", proxy: "socks5", agree: socksTest, dial: secure, server: server},
		{name: "exec tcp", network: "tcp", exec: true},
		{name: "exec unix", network: "unix", exec: true},
		{name: "exec tls", network: "tcp", exec: true, dial: secure, listen: offer, server: server, client: client},
		{name: "forward tcp", network: "tcp", forward: true},
		{name: "forward unix", network: "unix", forward: true},
		{name: "forward from tls", network: "tcp", forward: true, listen: offer, client: client},
		{name: "forward to tls", network: "tcp", forward: true, listen: []string{"--tls-ca", m.file}, server: server},
		{name: "gecho --to tcp", network: "tcp", forward: true, gecho: true},
		{name: "gecho --to unix", network: "unix", forward: true, gecho: true},
		{name: "gecho --to from tls", network: "tcp", forward: true, gecho: true, listen: offer, client: client},
		{name: "gecho --to tls", network: "tcp", forward: true, gecho: true, listen: []string{"--tls-ca", m.file}, server: server},
		{name: "exec relayed", network: "tcp", exec: true, dial: []string{"--rate", "1G"}, listen: []string{"--rate", "1G"}},
	} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			marks := &gridMarks{}
			t.Cleanup(func() { marks.report(t, k) })
			for _, role := range k.roles() {
				for _, way := range []string{"in", "out"} {
					for _, other := range []string{"quiet", "filled", "done"} {
						t.Run(role+" "+way+" "+other, func(t *testing.T) {
							t.Parallel()
							k.cell(t, marks, role, way, other)
						})
					}
				}
			}
		})
	}
}

// A gridKind is a way for gcat to be connected to its peer.
type gridKind struct {
	name, network  string
	proxy          string           // scheme; "" is none
	agree          func(c net.Conn) // the proxy's part of the peer
	dial, listen   []string         // options of the client and the listener
	server, client *tls.Config      // of the peer, when it speaks TLS
	exec           bool             // the local side is a command
	forward        bool             // the local side is the server of --to
	gecho          bool             // of gecho's --to
}

func (k gridKind) roles() []string {
	switch {
	case k.proxy != "":
		return []string{"client"}
	case k.forward:
		return []string{"listener"}
	}
	return []string{"client", "listener"}
}

// A gridEnd is one side of the conversation, in the test's hands.
type gridEnd interface {
	io.Reader
	io.Writer
	CloseWrite() error
}

// cell makes two marks.
func (k gridKind) cell(t *testing.T, marks *gridMarks, role, way, other string) {
	p, local, remote := k.converse(t, role)
	from, to := local, remote
	if way == "in" {
		from, to = remote, local
	}
	var filling *flood
	switch other {
	case "filled":
		filling = startFlood(to, 7)
		awaitStill(t, filling)
	case "done":
		if err := to.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		expectEnd(t, "the other direction", from)
	}

	const text = "some data"
	if _, err := io.WriteString(from, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(to, got); err != nil || string(got) != text {
		t.Fatalf("data did not pass: %q, %v; gcat said %q", got, err, p.err)
	}
	marks.set(role, way, other, "data")
	if err := from.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	expectEnd(t, "the end of file", to)
	marks.set(role, way, other, "end")

	switch other {
	case "filled":
		read := make(chan tallied, 1)
		go func() {
			sum, _ := tallyOf(from) // an error shows in the sum
			read <- sum
		}()
		if err := filling.stop(); err != nil {
			t.Fatal(err)
		}
		_ = to.CloseWrite()
		if got, want := <-read, filling.tally(); got != want {
			t.Errorf("the filled direction delivered %v of %v", got, want)
		}
	case "quiet":
		_ = to.CloseWrite()
		expectEnd(t, "the quiet direction", from)
	}
	if got := p.status(); got != 0 {
		t.Errorf("status %d", got)
	}
	p.says("")
}

// awaitStill waits until a flood cannot go on: nothing moved for a while.
func awaitStill(t *testing.T, f *flood) {
	t.Helper()
	const still = 200 * time.Millisecond
	for last := int64(-1); ; time.Sleep(still) {
		n := f.wrote.Load()
		if n == last && n > 0 {
			return
		}
		last = n
		select {
		case err := <-f.done:
			t.Fatalf("filling the other direction: %v", err)
		default:
		}
	}
}

func expectEnd(t *testing.T, what string, r io.Reader) {
	t.Helper()
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatalf("%s did not pass: %d bytes, %v", what, n, err)
	}
}

// converse connects gcat in its role with a peer, and returns both sides.
func (k gridKind) converse(t *testing.T, role string) (p *proc, local, remote gridEnd) {
	t.Helper()
	if k.forward {
		return k.forwarding(t)
	}
	args, localSide := k.local(t)
	if role == "listener" {
		args = append(args, k.listen...)
		var c halfConn
		p, c = k.listening(t, args, localSide)
		remote = k.secure(c, false) // the command is started after the handshake
		return p, localSide.end(t), remote
	}
	got := make(chan gridEnd, 1)
	release := make(chan struct{})
	at := serve(t, k.network, func(c halfConn) {
		if k.agree != nil {
			k.agree(c)
		}
		got <- k.secure(c, true)
		<-release
	})
	t.Cleanup(func() { close(release) })
	args = append(args, k.dial...)
	if k.proxy != "" {
		args = append(args, "-x", k.proxy+"://"+net.JoinHostPort(at[0], at[1]))
		at = []string{"127.0.0.1", "4"} // where the proxy says it leads
	}
	cmd := gcatCmd(append(args, at...)...)
	localSide.give(cmd)
	p = launch(t, cmd)
	localSide.given()
	return p, localSide.end(t), <-got
}

// forwarding starts gcat or gecho between two connections; the local side is the server's.
func (k gridKind) forwarding(t *testing.T) (p *proc, local, remote gridEnd) {
	t.Helper()
	got := make(chan gridEnd, 1)
	release := make(chan struct{})
	at := serve(t, k.network, func(c halfConn) {
		got <- k.secure(c, true)
		<-release
	})
	t.Cleanup(func() { close(release) })
	to := at[1]
	if k.network != "unix" {
		to = net.JoinHostPort(at[0], at[1])
	}
	if k.server != nil {
		to = "tls://" + to
	}
	if k.gecho {
		mine := "127.0.0.1:0"
		if k.network == "unix" {
			mine = filepath.Join(t.TempDir(), "sock")
		}
		s := gecho(t, 1, append(k.listen, "--once", "--to", to, mine)...)
		remote = k.secure(dialTest(t, k.network, s.address[0]), false)
		return s.proc, <-got, remote
	}
	p, c := listening(t, k.network, nil, append(k.listen, "--to", to)...)
	remote = k.secure(c, false)
	return p, <-got, remote
}

// listening starts the listener and connects to it.
func (k gridKind) listening(t *testing.T, args []string, side *gridLocal) (*proc, halfConn) {
	t.Helper()
	ready := filepath.Join(t.TempDir(), "ready")
	args = append([]string{"-l", "--ready", ready}, args...)
	if k.network == "unix" {
		args = append(args, "-U", filepath.Join(t.TempDir(), "sock"))
	} else {
		args = append(args, "127.0.0.1", "0")
	}
	cmd := gcatCmd(args...)
	side.give(cmd)
	p := launch(t, cmd)
	side.given()
	return p, dialTest(t, k.network, awaitFile(t, ready))
}

// awaitFile waits for a line in a file that another process writes.
func awaitFile(t *testing.T, name string) string {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if b, err := os.ReadFile(name); err == nil && strings.HasSuffix(string(b), "\n") {
			return strings.TrimSuffix(string(b), "\n")
		}
	}
	t.Fatalf("nothing in %s", filepath.Base(name))
	return ""
}

// secure puts TLS on the peer's side, if the kind has it.
func (k gridKind) secure(c halfConn, server bool) gridEnd {
	switch {
	case server && k.server != nil:
		return handshaken(tls.Server(c, k.server))
	case !server && k.client != nil:
		return handshaken(tls.Client(c, k.client))
	}
	return c
}

// handshaken shakes hands now: a failure is met by the first read.
func handshaken(c *tls.Conn) *tls.Conn {
	_ = c.Handshake()
	return c
}

// socksTest agrees to a SOCKS5 client without authentication (RFC 1928), and is
// from then on the peer itself.
func socksTest(c net.Conn) {
	buf := make([]byte, 262)
	if _, err := io.ReadFull(c, buf[:2]); err != nil {
		return
	}
	_, _ = io.ReadFull(c, buf[:buf[1]])
	_, _ = c.Write([]byte{5, 0})
	_, _ = io.ReadFull(c, buf[:10]) // an IPv4 address and a port
	_, _ = c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
}

// connectTest agrees to an HTTP CONNECT, and is from then on the peer itself.
func connectTest(c net.Conn) {
	var request strings.Builder
	for b := make([]byte, 1); !strings.HasSuffix(request.String(), "\r\n\r\n"); {
		if _, err := c.Read(b); err != nil {
			return
		}
		request.Write(b)
	}
	_, _ = io.WriteString(c, "HTTP/1.1 200 here you are\r\n\r\n")
}

// A gridMarks is what passed.
type gridMarks struct {
	mu  sync.Mutex
	got map[string]bool
}

func (m *gridMarks) set(role, way, other, what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.got == nil {
		m.got = make(map[string]bool)
	}
	m.got[role+way+other+what] = true
}

// report prints the grid as a table.
func (m *gridMarks) report(t *testing.T, k gridKind) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	n := 0
	for _, role := range k.roles() {
		for _, way := range []string{"in", "out"} {
			fmt.Fprintf(&b, "\n%-9s %-4s", role, way)
			for _, other := range []string{"quiet", "filled", "done"} {
				b.WriteString(" " + other + " ")
				for _, what := range []string{"data", "end"} {
					if m.got[role+way+other+what] {
						b.WriteByte('x')
						n++
					} else {
						b.WriteByte('-')
					}
				}
			}
		}
	}
	t.Logf("%s: %d of %d marks%s", k.name, n, 12*len(k.roles()), &b)
}
