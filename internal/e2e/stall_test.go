package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The peer never reads; the upload blocks, and that is idle.
func TestStallUpload(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		at := serve(t, network, func(c halfConn) { hold(t) })
		start(t, input(t, strings.Repeat("x", 50<<20)), append([]string{"-w0.5"}, at...)...).ends(4, "", "idle limit")
	})
}

// What arrived and a full standard output did not take is told of, whichever clock
// ends the conversation: status 0 is for everything delivered.
func TestStallOutput(t *testing.T) {
	t.Parallel()
	for _, options := range [][]string{{"-q1"}, {"-w1"}, {"--deadline=1.5"}, {"-q1", "-C"}, {"-q1", "-o", os.DevNull}} {
		at := serve(t, "tcp", func(c halfConn) { _, _ = c.Write(make([]byte, 100_000)) })
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		cmd := gcatCmd(append(options, at...)...)
		cmd.Stdout = w
		p := launch(t, cmd)
		w.Close()
		p.ends(4, "", "standard output")
		n := 0
		if text := p.err.String(); strings.HasPrefix(options[0], "-q") {
			_, err = fmt.Sscanf(text, "gcat: standard output: %d of 100000 bytes received were not taken\n", &n)
		} else if i := strings.Index(text, "; standard output did not take "); i < 0 {
			t.Errorf("it said %q", text)
		} else {
			_, err = fmt.Sscanf(text[i:], "; standard output did not take %d bytes of what was received\n", &n)
		}
		written := len(readAll(r))
		if err != nil || written+n != 100_000 {
			t.Errorf("%q: %v; %d bytes were written; it said %q", options, err, written, p.err)
		}
	}
}

// A peer whose window is closed for a while and opens again: everything arrives,
// and an idle limit that is longer does not pass.
func TestStallZeroWindow(t *testing.T) {
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
func TestStallZeroWindowQuit(t *testing.T) {
	t.Parallel()
	at := serve(t, "tcp", func(c halfConn) {
		_ = c.(*net.TCPConn).SetReadBuffer(4096)
		hold(t)
	})
	start(t, input(t, flowText(17, 200_000)), append([]string{"-q0.3"}, at...)...).ends(5, "", "not acknowledged 300ms after the end of input")
}

// Our own slow reader: a standard output that stands still for longer than a
// moment loses nothing, and is idleness only for the clocks.
func TestStallSlowOutput(t *testing.T) {
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
func TestStallNeverReads(t *testing.T) {
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
