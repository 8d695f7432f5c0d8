package e2e

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// limit is how long anything in these tests may take before it counts as hung.
const limit = time.Minute

// A proc is a gcat at work.
type proc struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  *watched
	err  *watched
	done chan struct{}
}

// A watched buffer is what a process wrote, and tells when it grows.
type watched struct {
	mu   sync.Mutex
	b    bytes.Buffer
	grew chan struct{}
	eof  chan struct{}
}

func newWatched() *watched {
	return &watched{grew: make(chan struct{}), eof: make(chan struct{})}
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.grew)
	w.grew = make(chan struct{})
	return w.b.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// await blocks until text has been written.
func (w *watched) await(t *testing.T, text string) {
	t.Helper()
	timeout := time.After(limit)
	for {
		w.mu.Lock()
		has, grew := strings.Contains(w.b.String(), text), w.grew
		w.mu.Unlock()
		if has {
			return
		}
		select {
		case <-grew:
		case <-timeout:
			t.Fatalf("never saw %q; saw %q", text, w.String())
		}
	}
}

// something is closed once anything has been written.
func (w *watched) something() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.b.Len() > 0 {
		already := make(chan struct{})
		close(already)
		return already
	}
	return w.grew
}

// awaitLines blocks until n lines have been written.
func (w *watched) awaitLines(t *testing.T, n int) {
	t.Helper()
	timeout := time.After(limit)
	for {
		w.mu.Lock()
		lines, grew := bytes.Count(w.b.Bytes(), []byte("\n")), w.grew
		w.mu.Unlock()
		if lines >= n {
			return
		}
		select {
		case <-grew:
		case <-timeout:
			t.Fatalf("never saw %d lines; saw %q", n, w.String())
		}
	}
}

// awaitEOF blocks until the process has ended its output.
func (w *watched) awaitEOF(t *testing.T) {
	t.Helper()
	select {
	case <-w.eof:
	case <-time.After(limit):
		t.Fatalf("the output never ended; it is %q", w.String())
	}
}

// gcatCmd is a command that runs gcat.
func gcatCmd(args ...string) *exec.Cmd { return exec.Command(script.Path("gcat"), args...) }

// start runs gcat with the given standard input; nil is /dev/null.
func start(t *testing.T, stdin *os.File, args ...string) *proc {
	t.Helper()
	cmd := gcatCmd(args...)
	if stdin != nil {
		cmd.Stdin = stdin
	}
	return launch(t, cmd)
}

// launch starts cmd, collecting what it says unless that goes elsewhere.
func launch(t *testing.T, cmd *exec.Cmd) *proc {
	t.Helper()
	p := &proc{t: t, cmd: cmd, out: newWatched(), err: newWatched(), done: make(chan struct{})}
	var wg sync.WaitGroup
	collect := func(to *watched) *os.File {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			_, _ = io.Copy(to, r)
			r.Close()
			close(to.eof)
		})
		return w
	}
	var ours []*os.File
	if cmd.Stdout == nil {
		f := collect(p.out)
		cmd.Stdout, ours = f, append(ours, f)
	}
	if cmd.Stderr == nil {
		f := collect(p.err)
		cmd.Stderr, ours = f, append(ours, f)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range ours {
		f.Close()
	}
	go func() {
		_ = cmd.Wait()
		wg.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		select {
		case <-p.done:
		case <-time.After(limit):
			t.Errorf("somebody still holds the output of %q", cmd.Args)
		}
	})
	return p
}

// status waits for the end and returns the status as a shell would.
func (p *proc) status() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		p.t.Fatalf("still running; it said %q and %q", p.out, p.err)
	}
	ws := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}

// ends waits for the end and checks it: the status, standard output, and what
// the diagnostic holds ("" is silence).
func (p *proc) ends(status int, stdout, stderr string) {
	p.t.Helper()
	if got := p.status(); got != status {
		p.t.Errorf("status %d, want %d; it said %q", got, status, p.err)
	}
	if got := p.out.String(); got != stdout {
		p.t.Errorf("standard output is %.200q, want %.200q", got, stdout)
	}
	p.says(stderr)
}

func (p *proc) says(stderr string) {
	p.t.Helper()
	got := p.err.String()
	if stderr == "" && got != "" || !strings.Contains(got, stderr) {
		p.t.Errorf("it said %q, want %q", got, stderr)
	}
	if n := strings.Count(got, "\n") - strings.Count(got, ": hint: "); n > 1 {
		p.t.Errorf("it said %d lines: %q", n, got)
	}
}

// pipe is a standard input whose other end the test holds.
func pipe(t *testing.T) (stdin, hold *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// input is a standard input that holds text and then ends.
func input(t *testing.T, text string) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// A halfConn is what a peer in these tests is.
type halfConn interface {
	net.Conn
	CloseWrite() error
}

// serve runs peer for the one connection it accepts, and returns how gcat's
// command line names the listener.
func serve(t *testing.T, network string, peer func(halfConn)) []string {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "sock")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(limit))
		peer(c.(halfConn))
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	if network == "unix" {
		return []string{"-U", address}
	}
	host, port, _ := net.SplitHostPort(l.Addr().String())
	return []string{host, port}
}

// listening starts gcat -l with a free port (or a path), waits until it listens
// and connects to it.
func listening(t *testing.T, network string, stdin *os.File, args ...string) (*proc, halfConn) {
	t.Helper()
	p, address := listener(t, network, stdin, args...)
	return p, dialTest(t, network, address)
}

// listener starts gcat -l and returns where it listens.
func listener(t *testing.T, network string, stdin *os.File, args ...string) (*proc, string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	args = append([]string{"-l", "--ready", "/dev/fd/3"}, args...)
	if network == "unix" {
		args = append(args, "-U", filepath.Join(t.TempDir(), "sock"))
	} else {
		args = append(args, "127.0.0.1", "0")
	}
	cmd := gcatCmd(args...)
	if stdin != nil {
		cmd.Stdin = stdin
	}
	cmd.ExtraFiles = []*os.File{w}
	p := launch(t, cmd)
	w.Close()
	line, err := io.ReadAll(r)
	if err != nil || len(line) == 0 {
		t.Fatalf("no address in --ready: %v; it said %q", err, p.err)
	}
	return p, strings.TrimSpace(string(line))
}

func dialTest(t *testing.T, network, address string) halfConn {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(limit))
	t.Cleanup(func() { c.Close() })
	return c.(halfConn)
}

// readAll is what a peer gets until the end of file.
func readAll(c io.Reader) string {
	data, err := io.ReadAll(c)
	if err != nil {
		return string(data) + " [" + err.Error() + "]"
	}
	return string(data)
}

// resetNow ends c by a RST.
func resetNow(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	c.Close()
}

// isReset reports whether a peer met a reset.
func isReset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }

// both runs a test over TCP and over Unix stream sockets.
func both(t *testing.T, test func(t *testing.T, network string)) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			test(t, network)
		})
	}
}
