package e2e

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gcat/internal/testing/script"
	"gcat/internal/testing/wire"

	"golang.org/x/sys/unix"
)

// injected starts cmd under strace(1), which lets system calls fail as rules say
// ("read:error=EINTR:when=1+3"). Options go before the rules' own.
func injected(t *testing.T, cmd *exec.Cmd, rule string, options ...string) *proc {
	t.Helper()
	trace := script.Peer(t, "strace")
	args := append([]string{trace, "-f", "-qq", "-o", filepath.Join(t.TempDir(), "trace"), "-e", "inject=" + rule}, options...)
	cmd.Args = append(args, append([]string{cmd.Path}, cmd.Args[1:]...)...)
	cmd.Path = trace
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p := launch(t, cmd)
	// Who kills strace alone leaves the command alive.
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	return p
}

// No descriptors left, of ours and of the whole system: a line, and status 3.
func TestSystemCallNoDescriptors(t *testing.T) {
	t.Parallel()
	for errno, words := range map[string]string{
		"EMFILE": "too many open files",
		"ENFILE": "too many open files in system",
		"ENOMEM": "cannot allocate memory",
	} {
		at := serve(t, "tcp", func(c halfConn) {})
		injected(t, gcatCmd(at...), "socket:error="+errno).ends(3, "", "connect to 127.0.0.1:"+at[1]+": "+words)
		injected(t, gcatCmd("-l", "127.0.0.1", "0"), "socket:error="+errno).ends(3, "", "listen on tcp://127.0.0.1:0: "+words)
	}
}

// Too few descriptors, however few: either everything is delivered, or a line and
// a status say that it was not possible. The runtime's own need of them, which
// it would meet with a trace of stacks, is no exception.
func TestSystemCallFewDescriptors(t *testing.T) {
	const size = 300_000
	dir := buildStatic(t, filepath.Join("..", "..")) // a loader would need some, too
	for n := 3; n <= 16; n++ {
		for _, output := range []string{"pipe", "file"} {
			t.Run(fmt.Sprint(n, output), func(t *testing.T) {
				t.Parallel()
				at := serve(t, "tcp", func(c halfConn) { talkBoth(t, c, 48, 49, size) })
				cmd := gcatCmd(at...)
				cmd.Path = filepath.Join(dir, "gcat")
				cmd = helped(t, "limit", fmt.Sprint(n), cmd)
				cmd.Stdin = input(t, flowText(49, size))
				var out *os.File
				if output == "file" {
					var err error
					if out, err = os.Create(filepath.Join(t.TempDir(), "out")); err != nil {
						t.Fatal(err)
					}
					defer out.Close()
					cmd.Stdout = out
				}
				p := launch(t, cmd)
				status := p.status()
				got := p.out.String()
				if out != nil {
					text, err := os.ReadFile(out.Name())
					if err != nil {
						t.Fatal(err)
					}
					got = string(text)
				}
				switch status {
				case 0:
					p.says("")
					isFlow(t, "standard output", got, 48, size)
				case 3:
					p.says("too many open files")
					if got != "" || n >= 9 {
						t.Errorf("%d bytes came with %d descriptors", len(got), n)
					}
				default:
					t.Errorf("status %d; it said %.200q", status, p.err)
				}
			})
		}
		t.Run(fmt.Sprint(n, "gecho"), func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(filepath.Join(dir, "gecho"), "127.0.0.1:0")
			p := launch(t, helped(t, "limit", fmt.Sprint(n), cmd))
			select {
			case <-p.done:
				p.ends(3, "", "too many open files")
			case <-p.out.something():
				_ = p.cmd.Process.Signal(syscall.SIGTERM)
				if got := p.status(); got != 0 || strings.Contains(p.err.String(), "goroutine") {
					t.Errorf("status %d; it said %.200q", got, p.err)
				}
			}
		})
	}
}

// A listener with -k that has no descriptors left for a while says so, and
// serves on.
func TestSystemCallAccept(t *testing.T) {
	t.Parallel()
	for _, errno := range []string{"EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ECONNABORTED"} {
		ready := filepath.Join(t.TempDir(), "ready")
		p := injected(t, gcatCmd("-lk", "--ready", ready, "127.0.0.1", "0"), "accept4:error="+errno+":when=1..3")
		address := awaitFile(t, ready)
		for i := range 3 {
			c := dialTest(t, "tcp", address)
			line := fmt.Sprintf("%s %d\n", errno, i)
			_, _ = io.WriteString(c, line)
			_ = c.CloseWrite()
			if got := readAll(c); got != "" {
				t.Errorf("%s: the client got %q", errno, got)
			}
			p.out.await(t, line)
		}
	}
}

// Few descriptors, really: a -k listener at its limit lets peers wait and serves
// each of them.
func TestSystemCallDescriptorLimit(t *testing.T) {
	t.Parallel()
	ready := filepath.Join(t.TempDir(), "ready")
	p := launch(t, helped(t, "limit", "24", gcatCmd("-lk", "--ready", ready, "127.0.0.1", "0")))
	address := awaitFile(t, ready)
	var peers []halfConn
	for range 40 {
		peers = append(peers, dialTest(t, "tcp", address))
	}
	for i, c := range peers {
		_, _ = fmt.Fprintf(c, "peer %d\n", i)
		_ = c.CloseWrite()
	}
	for i, c := range peers {
		if got := readAll(c); got != "" {
			t.Errorf("peer %d got %q", i, got)
		}
		p.out.await(t, fmt.Sprintf("peer %d\n", i))
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	if got := p.status(); got != 128+15 {
		t.Errorf("status %d; it said %q", got, p.err)
	}
}

// System calls that are interrupted, again and again, change nothing.
func TestSystemCallInterrupted(t *testing.T) {
	const size = 3 << 20
	const rule = "read,write,splice,recvfrom,sendmsg,pwritev2,poll,ppoll,epoll_pwait:error=EINTR:when=20+3"
	t.Run("files", func(t *testing.T) {
		both(t, func(t *testing.T, network string) {
			at := serve(t, network, func(c halfConn) { talkBoth(t, c, 41, 42, size) })
			cmd := gcatCmd(at...)
			cmd.Stdin = input(t, flowText(42, size))
			out, err := os.Create(filepath.Join(t.TempDir(), "out"))
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			cmd.Stdout = out
			injected(t, cmd, rule).ends(0, "", "")
			_, _ = out.Seek(0, io.SeekStart)
			if sum, err := tallyOf(out); err != nil || sum != flowTally(41, size) {
				t.Errorf("%v arrived, %v", sum, err)
			}
		})
	})
	t.Run("pipes", func(t *testing.T) {
		both(t, func(t *testing.T, network string) {
			at := serve(t, network, func(c halfConn) { talkBoth(t, c, 41, 42, size) })
			stdin, hold := pipe(t)
			cmd := gcatCmd(at...)
			cmd.Stdin = stdin
			p := injected(t, cmd, rule)
			stdin.Close()
			go func() {
				_, _ = io.Copy(hold, flow(42, size))
				hold.Close()
			}()
			p.ends(0, flowText(41, size), "")
		})
	})
}

// Calls on the caller's own descriptors that would block although nobody asked
// for that: gcat waits and goes on.
func TestSystemCallWouldBlock(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	at := serve(t, "tcp", func(c halfConn) { talkBoth(t, c, 43, 44, size) })
	fifo := func(name string) (path string, read, write *os.File) {
		path = filepath.Join(t.TempDir(), name)
		if err := unix.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		both, err := os.OpenFile(path, os.O_RDWR, 0) // lets the others open
		if err != nil {
			t.Fatal(err)
		}
		defer both.Close()
		if read, err = os.Open(path); err != nil {
			t.Fatal(err)
		}
		if write, err = os.OpenFile(path, os.O_WRONLY, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { read.Close(); write.Close() })
		return path, read, write
	}
	in, stdin, hold := fifo("in")
	out, read, stdout := fifo("out")
	cmd := gcatCmd(at...)
	cmd.Stdin, cmd.Stdout = stdin, stdout
	p := injected(t, cmd, "read,pwritev2,write:error=EAGAIN:when=2+5", "-P", in, "-P", out)
	stdin.Close()
	stdout.Close()
	go func() {
		_, _ = io.Copy(hold, flow(44, size))
		hold.Close()
	}()
	sum, err := tallyOf(read)
	if err != nil || sum != flowTally(43, size) {
		t.Errorf("%v arrived, %v", sum, err)
	}
	p.ends(0, "", "")
}

// A disk that fails under standard input: the peer meets a reset rather than an
// end, status 1.
func TestSystemCallInputError(t *testing.T) {
	t.Parallel()
	met := make(chan error, 1)
	at := serve(t, "tcp", func(c halfConn) {
		_, err := io.Copy(io.Discard, c)
		met <- err
	})
	cmd := gcatCmd(at...)
	cmd.Stdin = input(t, "never read")
	injected(t, cmd, "splice:error=EIO").ends(1, "", "gcat: standard input: input/output error")
	if err := <-met; !isReset(err) {
		t.Errorf("the peer met %v, want a reset", err)
	}
}

// A full disk under standard output, and under -o: status 1, the file's name,
// and what fits is the beginning of what came.
func TestSystemCallDiskFull(t *testing.T) {
	t.Parallel()
	const disk, size = 256 << 10, 1 << 20
	for _, network := range []string{"tcp", "unix"} {
		h := wire.NewHost(t)
		dir := t.TempDir()
		h.Disk(dir, disk)
		out := filepath.Join(dir, "out")
		at := serve(t, network, func(c halfConn) { _, _ = io.Copy(c, flow(45, size)); readAll(c) })
		var f *os.File
		var err error
		h.Do(func() { f, err = os.Create(out) })
		if err != nil {
			t.Fatal(err)
		}
		cmd := gcatCmd(at...)
		cmd.Stdout = f
		stdin, _ := pipe(t)
		cmd.Stdin = stdin
		if network == "tcp" {
			// The peer is outside of the host: hand the test's own name space over.
			launch(t, cmd).ends(1, "", "gcat: standard output: no space left on device")
		} else {
			on(t, h, cmd).ends(1, "", "gcat: standard output: no space left on device")
		}
		var got []byte
		h.Do(func() { got, err = os.ReadFile(out) })
		f.Close()
		if err != nil || len(got) == 0 {
			t.Fatalf("%d bytes on the disk, %v", len(got), err)
		}
		isFlowStart(t, "the disk", string(got), 45)
	}

	h := wire.NewHost(t)
	dir := t.TempDir()
	h.Disk(dir, disk)
	dump := filepath.Join(dir, "dump")
	at := serve(t, "unix", func(c halfConn) { _, _ = io.Copy(c, flow(46, size)); readAll(c) })
	p := on(t, h, gcatCmd(append([]string{"-o", dump}, at...)...))
	if got := p.status(); got != 1 {
		t.Errorf("-o: status %d, want 1", got)
	}
	p.says("no space left on device")
	p.says(filepath.Base(dump))
	isFlowStart(t, "standard output beside -o", p.out.String(), 46)
}

// A write that the kernel cuts short everywhere is written on.
func TestSystemCallDevFull(t *testing.T) {
	t.Parallel()
	at := serve(t, "tcp", func(c halfConn) { _, _ = io.Copy(c, flow(47, 3<<20)); readAll(c) })
	p := start(t, nil, append([]string{"-o", "/dev/full"}, at...)...)
	if got := p.status(); got != 1 {
		t.Errorf("status %d, want 1", got)
	}
	p.says("/dev/full")
	if !strings.Contains(p.err.String(), "no space left on device") {
		t.Errorf("it said %q", p.err)
	}
}

// Where our own kernel fails at reading the input or at sending, the connection is
// reset: the peer would wait for the rest for ever.
func TestSystemCallSendFails(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]struct {
		status int
		words  string
	}{
		"splice:error=EIO:when=1": {1, "gcat: standard input: input/output error"}, // the first fills the pipe
		"shutdown:error=ENOBUFS":  {5, "gcat: end the sending to 127.0.0.1:"},
	} {
		got := make(chan error, 1)
		at := serve(t, "tcp", func(c halfConn) {
			_, err := io.Copy(io.Discard, c)
			got <- err
		})
		stdin, hold := pipe(t)
		cmd := gcatCmd(at...)
		cmd.Stdin = stdin
		p := injected(t, cmd, rule)
		stdin.Close()
		go func() { // ends with gcat
			_, _ = io.Copy(hold, flow(61, 4<<20))
			hold.Close()
		}()
		p.ends(want.status, "", want.words)
		if err := <-got; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: the peer got %v", rule, err)
		}
	}
}

// A file system that has no splice(2): what has left the socket is copied, and so is
// the rest.
func TestSystemCallNoSpliceToFile(t *testing.T) {
	t.Parallel()
	const size = 4 << 20
	at := serve(t, "tcp", func(c halfConn) { _, _ = io.Copy(c, io.LimitReader(flow(62, size), size)) })
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := gcatCmd(at...)
	cmd.Stdout = out
	p := injected(t, cmd, "splice:error=EINVAL:when=2") // the first fills the pipe
	p.ends(0, "", "")
	if got, err := os.ReadFile(out.Name()); err != nil || string(got) != flowText(62, size) {
		t.Errorf("%d bytes of %d, or other ones; %v", len(got), size, err)
	}
}
