package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A pausable is a conversation of a gcat that is to be stopped for a while.
type pausable struct {
	p      *proc
	say    func(string) // by the peer
	hears  func(string) // waits until that has arrived
	end    func()       // by everybody
	status int          // then

	input io.Closer // the end of gcat's own input
	peer  io.Reader // where the peer reads
}

// stopFor stops p for a time that is to be longer than any limit of it. What
// happens meanwhile happens when all its threads stand still.
func stopFor(t *testing.T, p *proc, d time.Duration, meanwhile func()) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	defer func() { _ = p.cmd.Process.Signal(syscall.SIGCONT) }()
	for end := time.Now().Add(limit); !standsStill(p.cmd.Process.Pid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it was not stopped")
		}
	}
	meanwhile()
	time.Sleep(d)
}

// standsStill reports whether all threads of a process are stopped.
func standsStill(pid int) bool {
	stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if _, state, ok := strings.Cut(string(stat), ") "); err != nil || !ok || state[0] != 'T' {
			return false
		}
	}
	return len(stats) > 0
}

// overTime is how long a gcat is stopped whose limit is overLimit.
const (
	overTime  = 2500 * time.Millisecond
	overLimit = "1"
)

// talking makes a pausable of a gcat whose standard output tells what arrives.
func talking(t *testing.T, p *proc, status int, say func(string), end func()) *pausable {
	return &pausable{p: p, say: say, hears: func(text string) { p.out.await(t, text) }, end: end, status: status}
}

// connected is a client whose peer is the test's.
func connected(t *testing.T, network string, args ...string) *pausable {
	peer := make(chan halfConn, 1)
	at := serve(t, network, func(c halfConn) { peer <- c; hold(t) })
	stdin, hold := pipe(t)
	cmd := patient(append(args, at...)...)
	cmd.Stdin = stdin
	p := launch(t, cmd)
	c := <-peer
	k := talking(t, p, 0, func(text string) { _, _ = io.WriteString(c, text) }, func() { hold.Close(); _ = c.CloseWrite() })
	k.input, k.peer = hold, c
	return k
}

// acceptedBy is a listener with a peer.
func acceptedBy(t *testing.T, args ...string) *pausable {
	stdin, hold := pipe(t)
	p, c := listening(t, "tcp", stdin, args...)
	return talking(t, p, 0, func(text string) { _, _ = io.WriteString(c, text) }, func() { hold.Close(); _ = c.CloseWrite() })
}

// secured is a client over TLS.
func secured(t *testing.T, args ...string) *pausable {
	m := newMint(t)
	cert, _, _ := m.issue("server", func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} })
	peer := make(chan *tls.Conn, 1)
	at := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}, func(c *tls.Conn) { peer <- c; hold(t) })
	stdin, hold := pipe(t)
	cmd := patient(append(append(args, "-c", "--tls-ca", m.file), at...)...)
	cmd.Stdin = stdin
	p := launch(t, cmd)
	c := <-peer
	return talking(t, p, 0, func(text string) { _, _ = io.WriteString(c, text) }, func() { hold.Close(); _ = c.CloseWrite() })
}

// asking is a client over datagrams that waits for answers, with its input open
// or at its end.
func asking(t *testing.T, ended bool, status int, args ...string) *pausable {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	host, port, _ := net.SplitHostPort(c.LocalAddr().String())
	stdin, hold := pipe(t)
	cmd := patient(append(append(args, "-u"), host, port)...)
	cmd.Stdin = stdin
	p := launch(t, cmd)
	_, _ = io.WriteString(hold, "question")
	if ended {
		hold.Close()
	}
	_ = c.SetReadDeadline(time.Now().Add(limit))
	_, from, err := c.ReadFrom(make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	return talking(t, p, status, func(text string) { _, _ = c.WriteTo([]byte(text), from) }, func() {})
}

// asked is a listener over datagrams.
func asked(t *testing.T, args ...string) *pausable {
	ready := filepath.Join(t.TempDir(), "ready")
	stdin, _ := pipe(t)
	cmd := gcatCmd(append(args, "-ul", "--ready", ready, "127.0.0.1", "0")...)
	cmd.Stdin = stdin
	p := launch(t, cmd)
	c, err := net.Dial("udp4", awaitFile(t, ready))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return talking(t, p, 4, func(text string) { _, _ = io.WriteString(c, text) }, func() {})
}

// executed is a listener whose command echoes.
func executed(t *testing.T, args ...string) *pausable {
	p, c := listening(t, "tcp", nil, append(args, "-e", "exec cat")...)
	return &pausable{
		p:   p,
		say: func(text string) { _, _ = io.WriteString(c, text) },
		hears: func(text string) {
			got := make([]byte, len(text))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
				t.Errorf("the peer got %q, %v, want %q", got, err, text)
			}
		},
		end: func() { _ = c.CloseWrite() },
	}
}

// A process that is stopped for longer than its idle limit (SIGSTOP, ^Z) goes on
// when it is continued, whether bytes wait for it or the peer has only now
// something to say: nobody watched the line meanwhile. The limit holds again
// from there on.
func TestStopped(t *testing.T) {
	w := []string{"-w", overLimit}
	for name, begin := range map[string]func(t *testing.T) *pausable{
		"client":        func(t *testing.T) *pausable { return connected(t, "tcp", w...) },
		"unix":          func(t *testing.T) *pausable { return connected(t, "unix", w...) },
		"tls":           func(t *testing.T) *pausable { return secured(t, w...) },
		"listener":      func(t *testing.T) *pausable { return acceptedBy(t, w...) },
		"exec":          func(t *testing.T) *pausable { return executed(t, w...) },
		"udp":           func(t *testing.T) *pausable { return asking(t, false, 4, w...) },
		"udp, no input": func(t *testing.T) *pausable { return asking(t, true, 0, w...) },
		"udp listener":  func(t *testing.T) *pausable { return asked(t, w...) },
	} {
		for _, waits := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, bytes wait %v", name, waits), func(t *testing.T) {
				t.Parallel()
				k := begin(t)
				k.say("before")
				k.hears("before")
				stopFor(t, k.p, overTime, func() {
					if waits {
						k.say("during")
					}
				})
				if waits {
					k.hears("during")
				}
				k.say("after")
				k.hears("after")
				k.end()
				if got := k.p.status(); got != k.status {
					t.Errorf("status %d, want %d; it said %q", got, k.status, k.p.err)
				}
			})
		}
	}
}

// The other limits are times on the wall, and end a process that was stopped;
// but what arrived meanwhile is written out.
func TestStoppedDeadline(t *testing.T) {
	const pieces = 20
	wall := func(k *pausable) *pausable { k.status = 4; return k }
	for name, begin := range map[string]func(t *testing.T) *pausable{
		"client":        func(t *testing.T) *pausable { return wall(connected(t, "tcp", "--deadline", "2")) },
		"tls":           func(t *testing.T) *pausable { return wall(secured(t, "--deadline", "2")) },
		"udp":           func(t *testing.T) *pausable { return asking(t, false, 4, "--deadline", "2") },
		"udp, no input": func(t *testing.T) *pausable { return asking(t, true, 4, "--deadline", "2", "-w", "20") },
		"udp listener":  func(t *testing.T) *pausable { return asked(t, "--deadline", "2") },
		"quit after": func(t *testing.T) *pausable {
			k := connected(t, "tcp", "-q", "1")
			k.input.Close()
			readAll(k.peer) // its time has begun
			k.status = 0
			return k
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := begin(t)
			k.say("before")
			k.hears("before")
			want := "before"
			stopFor(t, k.p, overTime, func() {
				for i := range pieces {
					piece := fmt.Sprintf("piece %d\n", i)
					want += piece
					k.say(piece)
				}
			})
			if got := k.p.status(); got != k.status {
				t.Errorf("status %d, want %d; it said %q", got, k.status, k.p.err)
			}
			if got := k.p.out.String(); got != want {
				t.Errorf("%q was written out, want %q", got, want)
			}
		})
	}
}

// What has arrived when a signal ends a plain client is written out, and the
// peer meets an end of file: a process that the signal just killed would leave
// it unread, and the kernel would reset the connection for that.
func TestSignalDrains(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT} {
		k := connected(t, "tcp")
		k.say("seen ")
		k.hears("seen ")
		stopFor(t, k.p, 0, func() {
			k.say("and unread")
			_ = k.p.cmd.Process.Signal(sig)
		})
		if _, err := io.Copy(io.Discard, k.peer); err != nil {
			t.Errorf("%v: the peer met %v, want an end of file", sig, err)
		}
		k.p.ends(128+int(sig), "seen and unread", "")
	}
}
