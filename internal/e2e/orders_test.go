//go:build unix

package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The orders of half-closing through gecho --to: client and server each send some
// bytes and then an end of file, in each of the 6 orders that these four events can
// have, with each of 6 pairs of sizes, over 4 kinds of connection: 144 conversations,
// in which nothing is added or lost and nothing is said.
func TestToOrders(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	_, certFile, keyFile := m.issue("server", nil)
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	server := &tls.Config{Certificates: []tls.Certificate{cert}}
	client := &tls.Config{InsecureSkipVerify: true}
	for _, k := range []struct {
		gridKind
		args []string
	}{
		{gridKind: gridKind{name: "tcp", network: "tcp"}},
		{gridKind: gridKind{name: "unix", network: "unix"}},
		{gridKind{name: "from tls", network: "tcp", client: client}, []string{"-c", "--tls-cert", certFile, "--tls-key", keyFile}},
		{gridKind{name: "to tls", network: "tcp", server: server}, []string{"--tls-ca", m.file}},
	} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			address, mine := "127.0.0.1:0", "0"
			if k.network == "unix" {
				dir := t.TempDir()
				address, mine = filepath.Join(dir, "server"), filepath.Join(dir, "gecho")
			}
			l, err := net.Listen(k.network, address)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			to := l.Addr().String()
			if k.server != nil {
				to = "tls://" + to
			}
			s := gecho(t, 1, append(k.args, "--to", to, mine)...)
			for _, order := range []string{"cCsS", "csCS", "csSC", "scCS", "scSC", "sScC"} {
				for _, sizes := range [][2]int{{0, 0}, {1, 0}, {0, 300_000}, {1, 1}, {300_000, 1}, {300_000, 300_000}} {
					accepted := make(chan gridEnd, 1)
					go func() { // ends with the listener
						if c, err := l.Accept(); err == nil {
							accepted <- k.secure(c.(halfConn), true)
						}
					}()
					near := k.secure(s.dial().(halfConn), false)
					inOrder(t, order, sizes, near, <-accepted)
				}
			}
			if got := s.end(syscall.SIGTERM); got != 0 || s.err.String() != "" {
				t.Errorf("status %d; it said %q", got, s.err)
			}
		})
	}
}

// inOrder lets client and server do what the letters of order say: c and s send, C
// and S end. Each event is seen on the other side before the next.
func inOrder(t *testing.T, order string, sizes [2]int, client, server gridEnd) {
	t.Helper()
	sides := [2]gridEnd{client, server}
	for _, event := range order {
		i := strings.IndexRune("cs", event|0x20)
		from, to := sides[i], sides[1-i]
		if event < 'a' {
			if err := from.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			expectEnd(t, fmt.Sprintf("%s %v: %c", order, sizes, event), to)
			continue
		}
		data := noise(uint64(i), sizes[i])
		sent := make(chan error, 1)
		go func() { _, err := from.Write(data); sent <- err }() // ends with the connection
		got := make([]byte, len(data))
		if _, err := io.ReadFull(to, got); err != nil || string(got) != string(data) {
			t.Fatalf("%s %v: %c: what came is not what was sent, %v", order, sizes, event, err)
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range sides {
		_ = c.(io.Closer).Close()
	}
}
