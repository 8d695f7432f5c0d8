package e2e

import (
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fullBacklog returns a port of the loopback at which no connect is answered.
func fullBacklog(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(fd)
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(name.(*syscall.SockaddrInet4).Port)
	for {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+port, 300*time.Millisecond)
		if err != nil {
			return port
		}
		t.Cleanup(func() { c.Close() })
	}
}

// The tests in this file and in broken_test.go are rows of what other netcats
// get wrong; the letters are those of the table in the project's measurements.

// The answer comes after our end of file, late.
func TestEndsAnswerAfterEOF(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		at := serve(t, network, func(c halfConn) {
			got := readAll(c)
			time.Sleep(200 * time.Millisecond) // a late answer is the case
			_, _ = io.WriteString(c, "got "+got)
		})
		start(t, input(t, "x"), at...).ends(0, "got x", "")
	})
}

// The same with -q and with -w, which must not cut the answer off nor
// add to it.
func TestEndsAnswerWithinQuit(t *testing.T) {
	for _, flag := range []string{"-q3", "-w2", "-q30", "-q-1"} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			at := serve(t, "tcp", func(c halfConn) {
				got := readAll(c)
				time.Sleep(200 * time.Millisecond)
				_, _ = io.WriteString(c, "got "+got)
			})
			start(t, input(t, "x"), append([]string{flag}, at...)...).ends(0, "got x", "")
		})
	}
}

// The answer comes after the first byte, no end of file needed.
func TestEndsAnswerAfterByte(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		at := serve(t, network, func(c halfConn) {
			var b [1]byte
			_, _ = io.ReadFull(c, b[:])
			time.Sleep(200 * time.Millisecond)
			_, _ = io.WriteString(c, "got "+string(b[:]))
			_ = c.CloseWrite()
			_ = readAll(c)
		})
		start(t, input(t, "x"), at...).ends(0, "got x", "")
	})
}

// The peer closes at once, our input stays open: the output ends at once,
// and gcat when its input does.
func TestEndsPeerClosedInputOpen(t *testing.T) {
	at := serve(t, "tcp", func(c halfConn) {})
	stdin, hold := pipe(t)
	p := start(t, stdin, at...)
	stdin.Close()
	p.out.awaitEOF(t)
	hold.Close()
	p.ends(0, "", "")
}

// The kernel tells that the peer closed rather than
// shut down, so nothing can be delivered any more and there is nothing to wait
// for.
func TestEndsUnixPeerClosed(t *testing.T) {
	at := serve(t, "unix", func(c halfConn) {})
	stdin, _ := pipe(t)
	start(t, stdin, at...).ends(0, "", "")
}

// As C, then two lines come: they cannot be delivered, and gcat says so.
func TestEndsPeerClosedThenInput(t *testing.T) {
	at := serve(t, "tcp", func(c halfConn) {})
	stdin, hold := pipe(t)
	p := start(t, stdin, at...)
	p.out.awaitEOF(t)
	_, _ = io.WriteString(hold, "one\n")
	time.Sleep(50 * time.Millisecond)
	_, _ = io.WriteString(hold, "two\n") // the pipe may be closed by now
	hold.Close()
	if got := p.status(); got != 5 {
		t.Errorf("status %d, want 5", got)
	}
	p.says("not delivered")
}

// The peer half-closes at once and reads on: what our input says later
// arrives.
func TestEndsPeerHalfClosed(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		got := make(chan string, 1)
		at := serve(t, network, func(c halfConn) {
			_ = c.CloseWrite()
			got <- readAll(c)
		})
		stdin, hold := pipe(t)
		p := start(t, stdin, at...)
		p.out.awaitEOF(t)
		_, _ = io.WriteString(hold, "late\n")
		hold.Close()
		p.ends(0, "", "")
		if g := <-got; g != "late\n" {
			t.Errorf("the peer got %q", g)
		}
	})
}

// -w is an idle limit and not the life of one direction.
func TestEndsPeerHalfClosedWithin(t *testing.T) {
	got := make(chan string, 1)
	at := serve(t, "tcp", func(c halfConn) {
		_ = c.CloseWrite()
		got <- readAll(c)
	})
	stdin, hold := pipe(t)
	p := start(t, stdin, append([]string{"-w20"}, at...)...)
	p.out.awaitEOF(t)
	_, _ = io.WriteString(hold, "late\n")
	hold.Close()
	p.ends(0, "", "")
	if g := <-got; g != "late\n" {
		t.Errorf("the peer got %q", g)
	}
}

// A silent server and no input: the conversation lasts until the server
// ends it, or a clock does.
func TestEndsSilentServer(t *testing.T) {
	for _, c := range []struct {
		flag   string
		status int
		words  string
	}{
		{"-w0.2", 4, "idle limit"},
		{"--idle-timeout=200ms", 4, "idle limit"},
		{"--deadline=200ms", 4, "deadline"},
		{"-q0.2", 0, ""},
		{"-q0", 0, ""},
	} {
		t.Run(c.flag, func(t *testing.T) {
			t.Parallel()
			at := serve(t, "tcp", func(c halfConn) { _, _ = io.Copy(io.Discard, c); hold(t) })
			start(t, nil, append([]string{c.flag}, at...)...).ends(c.status, "", c.words)
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		at := serve(t, "tcp", func(c halfConn) { _ = readAll(c) })
		start(t, nil, at...).ends(0, "", "")
	})
}

// A listener with a limit for its peer ends by another clock: the status is that clock's,
// whichever of the two contexts ends first. 2 runs of 100 had 3.
func TestEndsListenerTwoClocks(t *testing.T) {
	t.Parallel()
	for range 100 {
		start(t, nil, "-l", "--connect-timeout=60", "--deadline=0.01", "127.0.0.1", "0").ends(4, "", "(deadline)")
	}
}

// Silence everywhere, and input that stays open.
func TestEndsSilenceBothSides(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		at := serve(t, network, func(c halfConn) { _ = readAll(c) })
		stdin, _ := pipe(t)
		start(t, stdin, append([]string{"-w0.2"}, at...)...).ends(4, "", "idle limit")
	})
}

// The server drips; an idle limit longer than the pauses never passes,
// -q is the whole time after our end.
func TestEndsDrip(t *testing.T) {
	drip := func(c halfConn) {
		for range 20 {
			if _, err := io.WriteString(c, "line\n"); err != nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		start(t, nil, append([]string{"-w5"}, serve(t, "tcp", drip)...)...).ends(0, strings.Repeat("line\n", 20), "")
	})
	t.Run("quit", func(t *testing.T) {
		t.Parallel()
		p := start(t, nil, append([]string{"-q1"}, serve(t, "tcp", drip)...)...)
		if got := p.status(); got != 0 {
			t.Errorf("status %d; it said %q", got, p.err)
		}
		if n := strings.Count(p.out.String(), "line\n"); n < 1 || n == 20 {
			t.Errorf("%d lines came within the limit", n)
		}
	})
}

// A listener whose answer comes after the client's half-close.
func TestEndsListenerAnswersLate(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		stdin, hold := pipe(t)
		p, c := listening(t, network, stdin)
		_, _ = io.WriteString(c, "question")
		_ = c.CloseWrite()
		p.out.awaitEOF(t)
		_, _ = io.WriteString(hold, "answer")
		hold.Close()
		if got := readAll(c); got != "answer" {
			t.Errorf("the client got %q", got)
		}
		p.ends(0, "question", "")
	})
}

// A listener without input receives.
func TestEndsListenerNoInput(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		p, c := listening(t, network, nil)
		if got := readAll(c); got != "" {
			t.Errorf("the client got %q", got)
		}
		_, _ = io.WriteString(c, "data")
		_ = c.CloseWrite()
		p.ends(0, "data", "")
	})
}

// A file served to a client that reads to the end of file.
func TestEndsListenerServesFile(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		data := strings.Repeat("0123456789abcdef", 1<<16)
		p, c := listening(t, network, input(t, data))
		if got := readAll(c); got != data {
			t.Errorf("the client got %d bytes of %d", len(got), len(data))
		}
		c.Close()
		p.ends(0, "", "")
	})
}

// Rule 4: with -Q 0 the peer's end is the end, as it was for traditional nc.
func TestEndsWithPeer(t *testing.T) {
	for _, flag := range []string{"-Q0", "-Q0.1"} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			at := serve(t, "tcp", func(c halfConn) {
				_, _ = io.WriteString(c, "bye")
				_ = c.CloseWrite()
				_ = readAll(c)
			})
			stdin, _ := pipe(t)
			start(t, stdin, append([]string{flag}, at...)...).ends(0, "bye", "")
		})
	}
}

// --send-only ends when all is acknowledged, whatever the peer says and however
// long it stays.
func TestEndsSendOnly(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		got := make(chan string, 1)
		release := make(chan struct{})
		at := serve(t, network, func(c halfConn) {
			_, _ = io.WriteString(c, strings.Repeat("noise", 1000))
			got <- readAll(c)
			<-release
		})
		data := strings.Repeat("x", 1<<20)
		p := start(t, input(t, data), append([]string{"--send-only"}, at...)...)
		p.ends(0, "", "")
		close(release)
		if g := <-got; g != data {
			t.Errorf("the peer got %d bytes of %d", len(g), len(data))
		}
	})
}

// --recv-only never reads its input and sends no FIN before the peer's.
func TestEndsRecvOnly(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		at := serve(t, network, func(c halfConn) {
			_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
			if _, err := c.Read(make([]byte, 1)); err == nil || err == io.EOF {
				_, _ = io.WriteString(c, "the client spoke first")
			}
			_ = c.SetReadDeadline(time.Now().Add(limit))
			_, _ = io.WriteString(c, "data")
			_ = c.CloseWrite()
			_ = readAll(c)
		})
		start(t, input(t, "unread"), append([]string{"-d"}, at...)...).ends(0, "data", "")
	})
}

// --no-shutdown sends no FIN at the end of input.
func TestEndsNoShutdown(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		at := serve(t, network, func(c halfConn) {
			buf := make([]byte, 1)
			_, _ = io.ReadFull(c, buf)
			_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
			if _, err := c.Read(buf); err == io.EOF {
				_, _ = io.WriteString(c, "you hung up")
				return
			}
			_, _ = io.WriteString(c, "answer")
		})
		start(t, input(t, "x"), append([]string{"--no-shutdown"}, at...)...).ends(0, "answer", "")
	})
}

// --shutdown both ends the conversation once what was sent is delivered.
func TestEndsShutdownBoth(t *testing.T) {
	got := make(chan string, 1)
	release := make(chan struct{})
	at := serve(t, "tcp", func(c halfConn) {
		got <- readAll(c)
		<-release
	})
	start(t, input(t, "all of it"), append([]string{"--shutdown", "both"}, at...)...).ends(0, "", "")
	close(release)
	if g := <-got; g != "all of it" {
		t.Errorf("the peer got %q", g)
	}
}

// Data in a circle through a FIFO comes back whole.
func TestEndsFIFOEcho(t *testing.T) {
	const size = 7_000_000
	at := serve(t, "tcp", func(c halfConn) {
		_, _ = io.Copy(c, c)
		_ = c.CloseWrite()
	})
	p := start(t, input(t, strings.Repeat("x", size)), at...)
	if got := p.status(); got != 0 || len(p.out.String()) != size {
		t.Errorf("status %d, %d bytes of %d; it said %q", got, len(p.out.String()), size, p.err)
	}
}

// hold keeps a peer's connection open until the test is over.
func hold(t *testing.T) { <-t.Context().Done() }
