package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// A peer that resets after a part of what it had to say: the part is on standard
// output, whole and in order, and the status tells.
func TestFaultResetReceiving(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{1, 100, 65536, 1 << 20} {
		stdin, _ := pipe(t) // stays open: the reset alone ends it
		gone := make(chan struct{})
		var p *proc
		at := serve(t, "tcp", func(c halfConn) {
			_, _ = io.Copy(c, flow(11, size))
			<-gone
			resetNow(c)
		})
		p = start(t, stdin, at...)
		awaitAtLeast(t, p.out, int(size)) // all has been taken from the socket
		close(gone)
		if got := p.status(); got != 5 {
			t.Errorf("status %d, want 5", got)
		}
		p.says("connection reset by peer")
		isFlow(t, "what arrived", p.out.String(), 11, size)
	}
}

// awaitAtLeast waits until n bytes have been written.
func awaitAtLeast(t *testing.T, w *watched, n int) {
	t.Helper()
	timeout := time.After(limit)
	for {
		w.mu.Lock()
		has, grew := w.b.Len(), w.grew
		w.mu.Unlock()
		if has >= n {
			return
		}
		select {
		case <-grew:
		case <-timeout:
			t.Fatalf("%d bytes came, want %d", has, n)
		}
	}
}

// A reset in the middle of a flood, either way, and both ways at once: what was
// written out is the beginning of what was sent, the status is 5, one line.
func TestFaultResetInFlood(t *testing.T) {
	for _, way := range []string{"in", "out", "both"} {
		for _, role := range []string{"client", "listener"} {
			t.Run(way+" "+role, func(t *testing.T) {
				t.Parallel()
				peer := func(c halfConn) {
					taken := make(chan struct{})
					if way != "in" {
						go func() {
							_, _ = io.CopyN(io.Discard, c, 3<<20)
							close(taken)
						}()
					}
					if way != "out" {
						_, _ = io.Copy(c, flow(12, 4<<20))
					}
					if way != "in" {
						<-taken
					}
					resetNow(c)
				}
				stdin, _ := pipe(t)
				if way != "in" {
					stdin = input(t, flowText(13, 20<<20))
				}
				var p *proc
				if role == "client" {
					p = start(t, stdin, serve(t, "tcp", peer)...)
				} else {
					var c halfConn
					p, c = listening(t, "tcp", stdin)
					peer(c)
				}
				if got := p.status(); got != 5 {
					t.Errorf("status %d, want 5", got)
				}
				p.says("connection reset by peer")
				isFlowStart(t, "what arrived", p.out.String(), 12)
			})
		}
	}
}

// A peer that closes with what we sent unread: its kernel resets, and what it
// had said before is written out.
func TestFaultClosedUnread(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		for _, role := range []string{"client", "listener"} {
			const said = 50_000
			heard := make(chan struct{})
			peer := func(c halfConn) {
				_, _ = io.Copy(c, flow(14, said))
				<-heard
				_ = c.Close()
			}
			var p *proc
			stdin, hold := pipe(t)
			if role == "client" {
				p = start(t, stdin, serve(t, network, peer)...)
			} else {
				var c halfConn
				p, c = listening(t, network, stdin)
				go peer(c)
			}
			_, _ = io.Copy(hold, flow(15, 10_000)) // it fits in the pipe
			awaitAtLeast(t, p.out, said)
			time.Sleep(50 * time.Millisecond) // for what we say to be under way
			close(heard)
			hold.Close()
			if got := p.status(); got != 5 {
				t.Errorf("%s: status %d, want 5; it said %q", role, got, p.err)
			}
			p.says("connection reset by peer")
			isFlow(t, "what arrived", p.out.String(), 14, said)
		}
	})
}

// A peer whose window is closed for a while and opens again: everything arrives,
// and an idle limit that is longer does not pass.
func TestFaultZeroWindow(t *testing.T) {
	t.Parallel()
	const size = 20 << 20 // more than the buffers at both ends hold
	for _, flags := range [][]string{nil, {"-w", "20"}, {"-q", "20"}, {"--send-only"}} {
		got := make(chan tallied, 1)
		at := serve(t, "tcp", func(c halfConn) {
			time.Sleep(300 * time.Millisecond) // the window closes
			sum, _ := tallyOf(c)               // an error shows in the sum
			got <- sum
		})
		start(t, input(t, flowText(16, size)), append(flags, at...)...).ends(0, "", "")
		if sum := <-got; sum != flowTally(16, size) {
			t.Errorf("%v arrived of %v", sum, flowTally(16, size))
		}
	}
}

// A window that stays closed, and -q: status 5, and how much was left behind.
func TestFaultZeroWindowQuit(t *testing.T) {
	t.Parallel()
	at := serve(t, "tcp", func(c halfConn) {
		_ = c.(*net.TCPConn).SetReadBuffer(4096)
		hold(t)
	})
	start(t, input(t, flowText(17, 200_000)), append([]string{"-q0.3"}, at...)...).ends(5, "", "not acknowledged 300ms after the end of input")
}

// Our own slow reader: a standard output that stands still for longer than a
// moment loses nothing, and is idleness only for the clocks.
func TestFaultSlowOutput(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		const size = 3 << 20
		at := serve(t, network, func(c halfConn) { _, _ = io.Copy(c, flow(18, size)) })
		read, stdout := pipe(t)
		cmd := gcatCmd(at...)
		cmd.Stdout = stdout
		p := launch(t, cmd)
		stdout.Close()
		time.Sleep(200 * time.Millisecond) // it stands still
		sum, err := tallyOf(read)
		if err != nil || sum != flowTally(18, size) {
			t.Errorf("%v came through, %v", sum, err)
		}
		p.ends(0, "", "")
	})
}

// A peer that never reads: the upload fills what is between, and every clock and
// every signal ends it all the same, a half-close that is stuck behind it
// included.
func TestFaultNeverReads(t *testing.T) {
	m := newMint(t)
	cert, _, _ := m.issue("server", nil)
	for _, c := range []struct {
		flags  []string
		signal syscall.Signal // 0 is none
		status int
		words  string
	}{
		{[]string{"-w0.5"}, 0, 4, "(idle limit); "},
		{[]string{"--deadline", "2"}, 0, 4, "(deadline); "},
		{[]string{"-q0.5"}, 0, 5, "not acknowledged 500ms after the end of input"},
		{[]string{"--send-only", "-w0.5"}, 0, 4, "(idle limit); "},
		{nil, syscall.SIGINT, 130, ""},
		{nil, syscall.SIGTERM, 143, ""},
	} {
		for _, kind := range []string{"tcp", "unix", "tls", "listener"} {
			t.Run(fmt.Sprint(kind, c.flags, c.signal), func(t *testing.T) {
				t.Parallel()
				size := int64(20 << 20) // more than anybody keeps
				if c.status == 5 {      // our side keeps it all, and so the input ends
					size = 150_000
					if kind != "unix" {
						size = 1 << 20
					}
				}
				said := make(chan struct{})
				peer := func(c halfConn) { _, _ = io.WriteString(c, "hello"); <-said; hold(t) }
				args := append([]string{"--connect-timeout", "20"}, c.flags...)
				stdin := input(t, flowText(19, size))
				var p *proc
				switch kind {
				case "listener":
					var at string
					p, at = listener(t, "tcp", stdin, args...)
					go peer(dialTest(t, "tcp", at))
				case "tls":
					at := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}, func(c *tls.Conn) {
						_, _ = io.WriteString(c, "hello")
						<-said
						hold(t)
					})
					p = start(t, stdin, append(append(args, "-c", "--tls-ca", m.file), at...)...)
				default:
					p = start(t, stdin, append(args, serve(t, kind, peer)...)...)
				}
				heard := "hello"
				if len(c.flags) > 0 && c.flags[0] == "--send-only" {
					heard = ""
				}
				p.out.await(t, heard)
				close(said)
				if c.signal != 0 {
					_ = p.cmd.Process.Signal(c.signal)
				}
				p.ends(c.status, heard, c.words)
			})
		}
	}
}
