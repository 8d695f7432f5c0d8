//go:build unix

package e2e

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// Signals end a listener, a client and a -k listener as they end cat, and
// no socket file stays behind.
func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			for _, flags := range [][]string{nil, {"-k"}} {
				p, path := listener(t, "unix", nil, flags...)
				_ = p.cmd.Process.Signal(sig)
				p.ends(128+int(sig), "", "")
				if _, err := os.Lstat(path); err == nil {
					t.Errorf("%s is left behind", filepath.Base(path))
				}
			}
			connected := make(chan struct{})
			end := make(chan error, 1)
			at := serve(t, "tcp", func(c halfConn) {
				_, _ = io.WriteString(c, "hello")
				close(connected)
				_, err := c.Read(make([]byte, 1))
				end <- err
			})
			stdin, _ := pipe(t)
			p := start(t, stdin, at...)
			<-connected
			p.out.await(t, "hello")
			_ = p.cmd.Process.Signal(sig)
			p.ends(128+int(sig), "hello", "")
			if err := <-end; err != io.EOF {
				t.Errorf("the peer met %v, want an end of file", err)
			}
		})
	}
}

// Signals in the middle of a transfer both ways end gcat as they end cat:
// silently, and what was written out is the beginning of what came. SIGQUIT
// prints no stacks.
func TestSignalsInTransfer(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		for _, role := range []string{"client", "listener"} {
			t.Run(sig.String()+" "+role, func(t *testing.T) {
				t.Parallel()
				peer := func(c halfConn) {
					go func() { _, _ = io.Copy(io.Discard, c) }()
					_, _ = io.Copy(c, flow(31, 1<<30))
				}
				var p *proc
				var c halfConn
				stdin, hold := pipe(t)
				if role == "client" {
					p = start(t, stdin, serve(t, "tcp", peer)...)
				} else {
					p, c = listening(t, "tcp", stdin)
					go peer(c)
				}
				stdin.Close()
				go func() { _, _ = io.Copy(hold, flow(32, 1<<30)) }() // ends with gcat
				awaitAtLeast(t, p.out, 300_000)
				_ = p.cmd.Process.Signal(sig)
				if got := p.status(); got != 128+int(sig) {
					t.Errorf("status %d, want %d", got, 128+int(sig))
				}
				p.says("")
				isFlowStart(t, "what arrived", p.out.String(), 31)
			})
		}
	}
}

// A stopped gcat goes on where it was.
func TestSignalsStopContinue(t *testing.T) {
	t.Parallel()
	const size = 4 << 20
	at := serve(t, "tcp", func(c halfConn) { talkBoth(t, c, 33, 34, size) })
	stdin, hold := pipe(t)
	p := start(t, stdin, at...)
	stdin.Close()
	_, _ = io.CopyN(hold, flow(34, size), 1000)
	for range 5 {
		_ = p.cmd.Process.Signal(syscall.SIGSTOP)
		time.Sleep(20 * time.Millisecond) // stopped
		_ = p.cmd.Process.Signal(syscall.SIGCONT)
		time.Sleep(5 * time.Millisecond)
	}
	rest := flow(34, size)
	_, _ = io.CopyN(io.Discard, rest, 1000)
	_, _ = io.Copy(hold, rest)
	hold.Close()
	p.ends(0, flowText(33, size), "")
}

// SIGUSR1 tells the counts, as often as it is asked, and disturbs nothing.
func TestSignalsCounts(t *testing.T) {
	t.Parallel()
	const size = 4 << 20
	at := serve(t, "tcp", func(c halfConn) {
		_, _ = io.Copy(c, flow(35, size/2))
		var b [1]byte
		_, _ = io.ReadFull(c, b[:])
		rest := flow(35, size)
		_, _ = io.CopyN(io.Discard, rest, size/2)
		_, _ = io.Copy(c, rest)
	})
	stdin, hold := pipe(t)
	p := start(t, stdin, at...)
	awaitAtLeast(t, p.out, size/2)
	for range 20 {
		_ = p.cmd.Process.Signal(syscall.SIGUSR1)
	}
	p.err.await(t, "so far")
	for end := time.Now().Add(limit); !strings.Contains(p.err.String(), "received 2097152") && time.Now().Before(end); {
		_ = p.cmd.Process.Signal(syscall.SIGUSR1) // the count may follow the output a moment later
		time.Sleep(10 * time.Millisecond)
	}
	p.err.await(t, "received 2097152")
	_, _ = io.WriteString(hold, "g")
	hold.Close()
	if got := p.status(); got != 0 {
		t.Errorf("status %d", got)
	}
	isFlow(t, "what arrived", p.out.String(), 35, size)
}

// The other two commands print no stacks either.
func TestSignalsQuit(t *testing.T) {
	t.Parallel()
	stdin, hold := pipe(t)
	pack := exec.Command(script.Path("gpack"), "-d", "I")
	pack.Stdin = stdin
	p := launch(t, pack)
	_, _ = io.WriteString(hold, "\x00\x00\x00\x01")
	p.out.await(t, "1\n")
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	p.ends(128+int(syscall.SIGQUIT), "1\n", "")

	e := launch(t, exec.Command(script.Path("gecho"), "127.0.0.1:0"))
	e.out.await(t, "tcp://127.0.0.1:")
	_ = e.cmd.Process.Signal(syscall.SIGQUIT)
	if got := e.status(); got != 0 { // a server ends in order, by any of them
		t.Errorf("gecho: status %d", got)
	}
	if strings.Contains(e.err.String(), "goroutine") {
		t.Errorf("gecho said %.200q", e.err)
	}
}

// Signals that we have no use for end a command as they end cat, with nothing
// said: the Go runtime would print the stacks of all goroutines for some.
func TestSignalsOther(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGALRM, syscall.SIGUSR2, syscall.SIGXCPU} {
		stdin, hold := pipe(t)
		cmd := exec.Command(script.Path("gpack"), "-d", "B")
		cmd.Stdin = stdin
		unpacker := launch(t, cmd)
		_, _ = hold.Write([]byte{7}) // it is at work once that is decoded
		unpacker.out.await(t, "7\n")
		waiting, _ := listener(t, "tcp", nil, "-k")
		for name, p := range map[string]*proc{"gpack": unpacker, "gcat": waiting} {
			_ = p.cmd.Process.Signal(sig)
			if got := p.status(); got != 128+int(sig) || p.err.String() != "" {
				t.Errorf("%s after %v: status %d; it said %.200q", name, sig, got, p.err)
			}
		}
	}
}
