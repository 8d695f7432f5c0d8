package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// Row I: refused.
func TestBrokenRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	start(t, input(t, "x"), "127.0.0.1", port).ends(3, "", "connect to 127.0.0.1:"+port+": connection refused")
}

// Row J: nobody answers the SYN, here because the backlog is full.
func TestBrokenBlackHole(t *testing.T) {
	port := fullBacklog(t)
	for _, flags := range [][]string{{"-w0.3"}, {"--connect-timeout", "300ms"}, {"--deadline", "0.3"}} {
		t.Run(flags[0], func(t *testing.T) {
			start(t, input(t, "x"), append(flags, "127.0.0.1", port)...).ends(4, "", "300ms")
		})
	}
}

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

// Row K: a name that does not exist (RFC 6761 says that .invalid never does).
func TestBrokenNoSuchName(t *testing.T) {
	start(t, nil, "--connect-timeout", "20", "no-such-name.invalid", "80").ends(3, "", "no-such-name.invalid")
}

// Row L: the server resets in the middle of an upload.
func TestBrokenResetDuringUpload(t *testing.T) {
	at := serve(t, "tcp", func(c halfConn) {
		_, _ = io.CopyN(io.Discard, c, 100_000)
		resetNow(c)
	})
	start(t, input(t, strings.Repeat("x", 20<<20)), at...).ends(5, "", "connection reset by peer")
}

// Row M: the server sends a part and resets.
func TestBrokenResetAfterPart(t *testing.T) {
	at := serve(t, "tcp", func(c halfConn) {
		_, _ = io.WriteString(c, "partial")
		time.Sleep(100 * time.Millisecond) // the reset comes when the part has been read
		resetNow(c)
	})
	p := start(t, nil, at...)
	p.ends(5, "partial", "receive from 127.0.0.1:"+at[1]+" after 7 bytes: connection reset by peer")
}

// The same while we still wait for the acknowledgement of our end: whoever is
// told of the reset first must not keep it to himself.
func TestBrokenResetAtOurEnd(t *testing.T) {
	for range 30 {
		at := serve(t, "tcp", func(c halfConn) {
			_, _ = io.ReadFull(c, make([]byte, 5))
			_, _ = io.WriteString(c, "hello")
			resetNow(c)
		})
		p := start(t, input(t, "hello world"), at...)
		if got := p.status(); got != 5 {
			t.Fatalf("status %d; it said %q", got, p.err)
		}
	}
}

// Row N: the server never reads and closes, which makes its kernel reset.
func TestBrokenNeverReads(t *testing.T) {
	for _, size := range []int{5, 200_000} {
		both(t, func(t *testing.T, network string) {
			for _, flags := range [][]string{nil, {"--send-only"}} {
				at := serve(t, network, func(c halfConn) { time.Sleep(200 * time.Millisecond) })
				p := start(t, input(t, strings.Repeat("x", size)), append(flags, at...)...)
				if network == "tcp" && len(flags) > 0 && size == 5 {
					p.ends(0, "", "") // the peer's kernel had acknowledged all before it was thrown away
					continue
				}
				p.ends(5, "", "connection reset by peer")
			}
		})
	}
}

// Row O: "413" and close in the middle of an upload: the words arrive, and the
// A Unix peer that closes at once has not got what waits in standard input, and
// that is never an end in order, whichever of the two is noticed first.
func TestBrokenUnixPeerClosesAtOnce(t *testing.T) {
	for _, size := range []int{5, 60_000} {
		for range 30 {
			stdin, hold := pipe(t)
			_, _ = hold.WriteString(strings.Repeat("x", size))
			hold.Close()
			p := start(t, stdin, serve(t, "unix", func(halfConn) {})...)
			p.ends(5, "", "gcat: ")
		}
	}
}

// clean end of file behind them does not hide that the upload failed.
func TestBrokenLastWords(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		at := serve(t, network, func(c halfConn) {
			_, _ = io.CopyN(io.Discard, c, 100_000)
			_, _ = io.WriteString(c, "413 too large\n")
			_ = c.CloseWrite()
			time.Sleep(100 * time.Millisecond)
		})
		start(t, input(t, strings.Repeat("x", 20<<20)), at...).ends(5, "413 too large\n", "delivered: connection reset by peer")
	})
}

// Row P: the reader of our output leaves in the middle: we die of SIGPIPE.
func TestBrokenOutputCloses(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		at := serve(t, network, func(c halfConn) { _, _ = c.Write(make([]byte, 20<<20)) })
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := gcatCmd(at...)
		cmd.Stdout = w
		p := launch(t, cmd)
		w.Close()
		_, _ = r.Read(make([]byte, 1))
		r.Close()
		p.ends(128+int(syscall.SIGPIPE), "", "")
	})
}

// Row Q: a full disk.
func TestBrokenOutputFull(t *testing.T) {
	at := serve(t, "tcp", func(c halfConn) {
		_, _ = io.WriteString(c, "data")
		_ = readAll(c)
	})
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err) // only Linux has it
	}
	defer full.Close()
	stdin, _ := pipe(t)
	cmd := gcatCmd(at...)
	cmd.Stdin, cmd.Stdout = stdin, full
	launch(t, cmd).ends(1, "", "gcat: standard output: no space left on device")
}

// Rows R and S: closed standard streams. A closed standard output is taken for
// /dev/null, as CAVEATS says; a closed standard input is no input.
func TestBrokenStreamsClosed(t *testing.T) {
	for redirect, want := range map[string]string{
		"<&-": "hello", ">&-": "", "<&- >&-": "", "2>&-": "hello", "<&- >&- 2>&-": "", "</dev/null": "hello",
	} {
		t.Run(redirect, func(t *testing.T) {
			t.Parallel()
			got := make(chan string, 1)
			at := serve(t, "tcp", func(c halfConn) {
				_, _ = io.WriteString(c, "hello")
				got <- readAll(c)
			})
			sh := exec.Command("sh", "-c", fmt.Sprintf("exec %s %s %s %s", script.Path("gcat"), at[0], at[1], redirect))
			launch(t, sh).ends(0, want, "")
			if g := <-got; g != "" {
				t.Errorf("the peer got %q", g)
			}
		})
	}
}

// A standard input not open for reading, as nohup leaves it, is no input.
func TestBrokenInputWriteOnly(t *testing.T) {
	at := serve(t, "tcp", func(c halfConn) { _, _ = io.WriteString(c, "got "+readAll(c)) })
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	start(t, null, at...).ends(0, "got ", "")
}

// Row T: standard input cannot be read: the peer must not take that for the end
// of what we had to say.
func TestBrokenInputDirectory(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		met := make(chan error, 1)
		at := serve(t, network, func(c halfConn) {
			_, err := c.Read(make([]byte, 1))
			met <- err
		})
		dir, err := os.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		start(t, dir, at...).ends(1, "", "gcat: standard input: is a directory")
		if err := <-met; network == "tcp" && !isReset(err) {
			t.Errorf("the peer met %v, want a reset", err)
		}
	})
}

// Row U: the peer never reads; the upload blocks, and that is idle.
func TestBrokenPeerNeverReads(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		at := serve(t, network, func(c halfConn) { hold(t) })
		start(t, input(t, strings.Repeat("x", 50<<20)), append([]string{"-w0.5"}, at...)...).ends(4, "", "idle limit")
	})
}

// Row V: the reader of our output leaves while the line is silent.
func TestBrokenOutputReaderLeaves(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		connected := make(chan struct{})
		at := serve(t, network, func(c halfConn) {
			close(connected)
			_ = readAll(c)
		})
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		stdin, _ := pipe(t)
		cmd := gcatCmd(at...)
		cmd.Stdin, cmd.Stdout = stdin, w
		p := launch(t, cmd)
		w.Close()
		<-connected
		r.Close()
		p.ends(128+int(syscall.SIGPIPE), "", "")
	})
}

// The same for a listener that nobody has called yet.
func TestBrokenListenerOutputReaderLeaves(t *testing.T) {
	for _, flags := range [][]string{{"-l"}, {"-lk"}} {
		t.Run(flags[0], func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			cmd := gcatCmd(append(flags, "127.0.0.1", "0")...)
			cmd.Stdout = w
			p := launch(t, cmd)
			w.Close()
			r.Close()
			p.ends(128+int(syscall.SIGPIPE), "", "")
		})
	}
}

// Row Z: a listener whose client sends a part and resets ends at once, although
// its input is open.
func TestBrokenListenerReset(t *testing.T) {
	stdin, _ := pipe(t)
	p, c := listening(t, "tcp", stdin)
	_, _ = io.WriteString(c, "part")
	p.out.await(t, "part")
	resetNow(c)
	p.ends(5, "part", "after 4 bytes: connection reset by peer")
}

// Row AD: signals end a listener, a client and a -k listener as they end cat, and
// no socket file stays behind.
func TestBrokenSignals(t *testing.T) {
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

// A listener with -k outlives what its peers do.
func TestBrokenPeersOfKeepOpen(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		p, address := listener(t, network, nil, "-k")
		for i := range 5 {
			c := dialTest(t, network, address)
			_, _ = fmt.Fprintf(c, "peer %d\n", i)
			p.out.await(t, fmt.Sprintf("peer %d\n", i))
			if i%2 == 0 {
				resetNow(c)
			} else {
				_ = c.CloseWrite()
				if got := readAll(c); got != "" {
					t.Errorf("peer %d got %q", i, got)
				}
			}
		}
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		if got := p.status(); got != 128+15 {
			t.Errorf("status %d; it said %q", got, p.err)
		}
	})
}
