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
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"gcat/internal/testing/script"
)

// long, set to anything in the environment, asks for what takes minutes, too.
const long = "GCAT_LONG"

// Descriptors 0 to 2 closed in all combinations, as a client and as a listener:
// no socket takes their place, the peer is told of no more than there is, and
// what it says arrives where there is somewhere.
func TestFaultClosedDescriptors(t *testing.T) {
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
func TestFaultClosedDescriptorsElsewhere(t *testing.T) {
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
func TestFaultReadyGone(t *testing.T) {
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

// A standard input that cannot be read, in the other kinds of conversation: the
// peer does not take it for an end, except where there is none to be told of.
func TestFaultInputDirectory(t *testing.T) {
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	const words = "gcat: standard input: is a directory"
	m := newMint(t)
	cert, _, _ := m.issue("server", nil)

	met := make(chan error, 1)
	at := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}, func(c *tls.Conn) {
		_, err := c.Read(make([]byte, 1))
		met <- err
	})
	start(t, dir, append([]string{"-c", "--tls-ca", m.file}, at...)...).ends(1, "", words)
	if err := <-met; !isReset(err) {
		t.Errorf("the TLS peer met %v, want a reset", err)
	}

	// The reset can come before the dialling is over.
	meet := func(address string) error {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
		return err
	}
	p, address := listener(t, "tcp", dir)
	if err := meet(address); !isReset(err) {
		t.Errorf("the listener's peer met %v, want a reset", err)
	}
	p.ends(1, "", words)

	p, address = listener(t, "tcp", dir, "-k") // its first peer's input fails, and no other's
	if err := meet(address); !isReset(err) {
		t.Errorf("the first peer met %v, want a reset", err)
	}
	second := dialTest(t, "tcp", address)
	_, _ = io.WriteString(second, "second")
	_ = second.CloseWrite()
	if got := readAll(second); got != "" {
		t.Errorf("the second peer got %q", got)
	}
	p.out.await(t, "second")
	p.err.await(t, words)
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.ends(128+int(syscall.SIGTERM), "second", words)

	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	start(t, dir, "-u", udp.LocalAddr().String()).ends(1, "", words)
	start(t, dir, "-ul", "127.0.0.1", "0").ends(1, "", words)
	start(t, dir, append([]string{"-d"}, serve(t, "tcp", func(c halfConn) { _, _ = io.WriteString(c, "unread input") })...)...).ends(0, "unread input", "")
}

// Failing with standard error closed is failing all the same.
func TestFaultClosedStandardError(t *testing.T) {
	t.Parallel()
	sh := exec.Command("sh", "-c", script.Path("gcat")+" -U "+t.TempDir()+"/nobody 2>&-")
	launch(t, sh).ends(3, "", "")
}

// Standard streams that a caller has left in non-blocking mode are read and
// written to their ends, slowly and fast, and stay as they were.
func TestFaultNonblocking(t *testing.T) {
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

// Standard output opened for appending keeps what it had.
func TestFaultAppend(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		const size = 1 << 20
		name := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(name, []byte("before\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		at := serve(t, network, func(c halfConn) { _, _ = io.Copy(c, flow(23, size)) })
		cmd := gcatCmd(at...)
		cmd.Stdout = f
		launch(t, cmd).ends(0, "", "")
		got, err := os.ReadFile(name)
		if err != nil || !strings.HasPrefix(string(got), "before\n") {
			t.Fatalf("%.20q, %v", got, err)
		}
		isFlow(t, "what was appended", string(got[len("before\n"):]), 23, size)
	})
}

// Standard input is read from where it stands, and left where reading ended, as
// a shell expects of { read line; gcat; } <file.
func TestFaultInputOffset(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		const size, offset = 1 << 20, 12_345
		got := make(chan string, 1)
		at := serve(t, network, func(c halfConn) { got <- readAll(c) })
		f := input(t, flowText(24, size))
		if _, err := f.Seek(offset, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		start(t, f, at...).ends(0, "", "")
		if g := <-got; g != flowText(24, size)[offset:] {
			t.Errorf("the peer got %d bytes, want %d from the offset", len(g), size-offset)
		}
		if at, err := f.Seek(0, io.SeekCurrent); err != nil || at != size {
			t.Errorf("the offset is left at %d, %v", at, err)
		}
	})
}

// Standard streams that are one socket, as inetd and systemd give them: each end
// of file passes through.
func TestFaultSocketStreams(t *testing.T) {
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

// More than 2 GiB, most of it a hole: the sizes of system calls end before that.
func TestFaultLarge(t *testing.T) {
	t.Parallel()
	const size = 2<<30 + 123_456_789
	name := filepath.Join(t.TempDir(), "sparse")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("the very end"), size-12); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if f, err = os.Open(name); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ready := filepath.Join(t.TempDir(), "ready")
	sink, end := ">/dev/null", ""
	if os.Getenv(long) != "" { // the bytes, too: slower
		sink, end = "| tail -c 12", "the very end"
	}
	sh := exec.Command("sh", "-c", fmt.Sprintf("%s -v -l --ready '%s' 127.0.0.1 0 %s", script.Path("gcat"), ready, sink))
	server := launch(t, sh)
	client := start(t, f, "-v", awaitFile(t, ready))
	if got := client.status(); got != 0 {
		t.Errorf("status %d", got)
	}
	if want := fmt.Sprintf("sent %d bytes, received 0", int64(size)); !strings.Contains(client.err.String(), want) {
		t.Errorf("the sender said %q", client.err)
	}
	server.status()
	if want := fmt.Sprintf("sent 0 bytes, received %d", int64(size)); !strings.Contains(server.err.String(), want) {
		t.Errorf("the receiver said %q", server.err)
	}
	if got := server.out.String(); got != end {
		t.Errorf("the file ends with %q", got)
	}
}
