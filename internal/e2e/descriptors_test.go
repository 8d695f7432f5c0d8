//go:build unix

package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gcat/internal/testing/script"

	"golang.org/x/sys/unix"
)

// Closed standard streams. A closed standard output is taken for
// /dev/null, as CAVEATS says; a closed standard input is no input.
func TestStreamsClosed(t *testing.T) {
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
func TestInputWriteOnly(t *testing.T) {
	at := serve(t, "tcp", func(c halfConn) { _, _ = io.WriteString(c, "got "+readAll(c)) })
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	start(t, null, at...).ends(0, "got ", "")
}

// long, set to anything in the environment, asks for what takes minutes, too.
const long = "GCAT_LONG"

// Descriptors 0 to 2 closed in all combinations, as a client and as a listener:
// no socket takes their place, the peer is told of no more than there is, and
// what it says arrives where there is somewhere.
func TestStreamsClosedDescriptors(t *testing.T) {
	for bits := range 8 {
		redirect := ""
		for fd, word := range []string{"<&-", ">&-", "2>&-"} {
			if bits&(1<<fd) != 0 {
				redirect += " " + word
			}
		}
		for _, role := range []string{"client", "listener"} {
			t.Run(fmt.Sprintf("%s%s", role, redirect), func(t *testing.T) {
				t.Parallel()
				got := make(chan string, 1)
				peer := func(c halfConn) {
					_, _ = io.WriteString(c, "hello")
					_ = c.CloseWrite()
					got <- readAll(c)
				}
				ready := filepath.Join(t.TempDir(), "ready")
				args := "-l --ready '" + ready + "' 127.0.0.1 0"
				if role == "client" {
					args = strings.Join(serve(t, "tcp", peer), " ")
				}
				sh := exec.Command("sh", "-c", fmt.Sprintf("exec %s %s %s", script.Path("gcat"), args, redirect))
				sh.Stdin = input(t, "input")
				p := launch(t, sh)
				if role == "listener" {
					peer(dialTest(t, "tcp", awaitFile(t, ready)))
				}
				stdout, sent := "hello", "input"
				if bits&1 != 0 {
					sent = ""
				}
				if bits&2 != 0 {
					stdout = ""
				}
				p.ends(0, stdout, "")
				if g := <-got; g != sent {
					t.Errorf("the peer got %q, want %q", g, sent)
				}
			})
		}
	}
}

// The same for other kinds of conversation, and for servers: nothing that is
// opened takes a standard stream's place.
func TestStreamsClosedElsewhere(t *testing.T) {
	m := newMint(t)
	cert, _, _ := m.issue("server", nil)
	for bits := range 8 {
		redirect := ""
		for fd, word := range []string{" <&-", " >&-", " 2>&-"} {
			if bits&(1<<fd) != 0 {
				redirect += word
			}
		}
		run := func(t *testing.T, name string, args ...string) *proc {
			sh := exec.Command("sh", "-c", "exec "+script.Path(name)+" "+strings.Join(args, " ")+redirect)
			sh.Stdin = input(t, "question")
			return launch(t, sh)
		}
		for _, kind := range []string{"tls", "unixgram"} {
			t.Run(fmt.Sprintf("%s %03b", kind, bits), func(t *testing.T) {
				t.Parallel()
				asked, answer := "question", "answer"
				if bits&1 != 0 {
					asked = ""
				}
				if bits&2 != 0 || kind == "unixgram" && asked == "" {
					answer = ""
				}
				got := make(chan string, 1)
				var p *proc
				if kind == "tls" {
					at := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}, func(c *tls.Conn) {
						got <- readAll(c)
						_, _ = io.WriteString(c, "answer")
						_ = c.CloseWrite()
						readAll(c.NetConn())
					})
					p = run(t, "gcat", append([]string{"-c", "--tls-ca", m.file}, at...)...)
				} else {
					path := filepath.Join(t.TempDir(), "peer")
					c, err := net.ListenPacket("unixgram", path)
					if err != nil {
						t.Fatal(err)
					}
					defer c.Close()
					go func() { // ends when c is closed
						buf := make([]byte, 100)
						n, from, _ := c.ReadFrom(buf)
						got <- string(buf[:n])
						_, _ = c.WriteTo([]byte("answer"), from)
					}()
					p = run(t, "gcat", "-uU", "-q1", path)
				}
				p.ends(0, answer, "")
				if kind == "tls" || asked != "" {
					if g := <-got; g != asked {
						t.Errorf("the peer got %q, want %q", g, asked)
					}
				}
			})
		}
		for _, kind := range []string{"exec", "gecho"} {
			t.Run(fmt.Sprintf("%s %03b", kind, bits), func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "sock")
				var p *proc
				if kind == "exec" {
					p = run(t, "gcat", "-lU", "-e", "'exec cat'", path)
				} else {
					p = run(t, "gecho", "--once", path)
				}
				start(t, input(t, "there and back"), "--retry", "60", "-U", path).ends(0, "there and back", "")
				if got := p.status(); got != 0 {
					t.Errorf("status %d; it said %q", got, p.err)
				}
			})
		}
	}
}

// A place for --ready that cannot be written to is reported: nothing has begun.
func TestStreamsReadyGone(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	cmd := gcatCmd("-l", "--ready", "/dev/fd/3", "127.0.0.1", "0")
	cmd.ExtraFiles = []*os.File{w}
	launch(t, cmd).ends(1, "", `write "/dev/fd/3": broken pipe`)
}

// Failing with standard error closed is failing all the same.
func TestStderrClosed(t *testing.T) {
	t.Parallel()
	sh := exec.Command("sh", "-c", script.Path("gcat")+" -U "+t.TempDir()+"/nobody 2>&-")
	launch(t, sh).ends(3, "", "")
}

// Standard streams that a caller has left in non-blocking mode are read and
// written to their ends, slowly and fast, and stay as they were.
func TestStreamsNonblocking(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		const size = 2 << 20
		at := serve(t, network, func(c halfConn) {
			talkBoth(t, c, 21, 22, size)
		})
		stdin, hold := pipe(t)
		read, stdout := pipe(t)
		cmd := helped(t, "nonblock", "", gcatCmd(at...))
		cmd.Stdin, cmd.Stdout = stdin, stdout
		p := launch(t, cmd)
		_, _ = io.CopyN(hold, flow(22, size), 10) // it finds the pipe empty, then
		sums := make(chan tallied, 1)
		go func() {
			sum, _ := tallyOf(read)
			sums <- sum
		}()
		rest := flow(22, size)
		_, _ = io.CopyN(io.Discard, rest, 10)
		_, _ = io.Copy(hold, rest)
		hold.Close()
		if got := p.status(); got != 0 {
			t.Errorf("status %d; it said %q", got, p.err)
		}
		for _, f := range []*os.File{stdin, stdout} {
			raw, err := f.SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			_ = raw.Control(func(fd uintptr) {
				if flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
					t.Errorf("the caller's descriptor has flags %x, %v: O_NONBLOCK is gone", flags, err)
				}
			})
		}
		stdin.Close()
		stdout.Close()
		if sum := <-sums; sum != flowTally(21, size) {
			t.Errorf("standard output got %v", sum)
		}
	})
}

// talkBoth is a peer that sends one flow while it reads another.
func talkBoth(t *testing.T, c halfConn, says, hears uint64, size int64) {
	said := make(chan struct{})
	go func() {
		defer close(said)
		_, _ = io.Copy(c, flow(says, size))
		_ = c.CloseWrite()
	}()
	if sum, err := tallyOf(c); err != nil || sum != flowTally(hears, size) {
		t.Errorf("the peer got %v, %v", sum, err)
	}
	<-said
}

// Standard streams that are one socket, as inetd and systemd give them: each end
// of file passes through.
func TestStreamsSockets(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		const size = 2 << 20
		at := serve(t, network, func(c halfConn) {
			sum, _ := tallyOf(c)
			if sum != flowTally(25, size) {
				t.Errorf("the peer got %v", sum)
			}
			_, _ = io.Copy(c, flow(26, size))
		})
		ours, theirs := socketPair(t)
		cmd := gcatCmd(at...)
		cmd.Stdin, cmd.Stdout = theirs, theirs
		p := launch(t, cmd)
		theirs.Close()
		if _, err := io.Copy(ours, flow(25, size)); err != nil {
			t.Fatal(err)
		}
		_ = ours.CloseWrite()
		isFlow(t, "what came back", readAll(ours), 26, size)
		p.ends(0, "", "")
	})
}

// socketPair is a connected pair of sockets: ours, and one to be handed on.
func socketPair(t *testing.T) (ours halfConn, theirs *os.File) {
	t.Helper()
	// An accepted TCP connection is what inetd hands over.
	connected := make(chan *os.File, 1)
	at := serve(t, "tcp", func(c halfConn) {
		f, err := c.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Error(err)
		}
		connected <- f
	})
	ours = dialTest(t, "tcp", at[0]+":"+at[1])
	return ours, <-connected
}
