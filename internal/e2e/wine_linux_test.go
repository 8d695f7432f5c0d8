package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gcat/internal/testing/script"
)

// wine is a command that runs a program of ours as it is built for Windows. Outside
// .ci/wine the test is skipped.
//
// Two things are wine's (8.0), not ours. UDP cannot be had: Go asks each socket for
// SIO_UDP_NETRESET. And when a reset comes while no read is pending, wineserver reads
// SO_ERROR, which clears it, so that the next read is an end of file; Windows returns
// WSAECONNRESET. A program of ten lines (dial, CloseWrite, read) sees it 18 times of 20.
func wine(t *testing.T, program string, args ...string) *exec.Cmd {
	t.Helper()
	dir := os.Getenv("GCAT_WINE")
	if dir == "" {
		t.Skip("it runs programs built for Windows: .ci/wine")
	}
	return exec.Command("wine", append([]string{filepath.Join(dir, program+".exe")}, args...)...)
}

// portOf waits until p listens, and returns its port.
func portOf(t *testing.T, p *proc) string {
	t.Helper()
	p.err.awaitLines(t, 1)
	_, port, found := strings.Cut(strings.SplitN(p.err.String(), "\n", 2)[0], "listening on 127.0.0.1:")
	if !found {
		t.Fatalf("it said %q", p.err)
	}
	return strings.TrimSpace(port)
}

// pythonStream connects or listens, sends a file, half-closes, and prints what comes.
const pythonStream = `
import socket, sys, threading
name, where = sys.argv[1:]
if where == "-l":
    l = socket.create_server(("127.0.0.1", 0))
    print("listening on 127.0.0.1:%d" % l.getsockname()[1], file=sys.stderr, flush=True)
    c, _ = l.accept()
else:
    c = socket.create_connection(("127.0.0.1", int(where)))
def send():
    c.sendall(open(name, "rb").read())
    c.shutdown(socket.SHUT_WR)
t = threading.Thread(target=send)
t.start()
while b := c.recv(1 << 16):
    sys.stdout.buffer.write(b)
t.join()
`

// Each side sends 8 MiB, half-closes and hears the other to its end.
func TestWineStreams(t *testing.T) {
	wine(t, "gcat")
	m := newMint(t)
	_, certFile, keyFile := m.issue("server", nil)
	listens := []string{"-v", "-l", "127.0.0.1", "0"}
	encrypted := append([]string{"-c", "--tls-cert", certFile, "--tls-key", keyFile}, listens...)
	ours := func(args ...string) func(string) *exec.Cmd {
		return func(string) *exec.Cmd { return gcatCmd(args...) }
	}
	windows := func(args ...string) func(string) *exec.Cmd {
		return func(string) *exec.Cmd { return wine(t, "gcat", args...) }
	}
	python := func(where string) func(string) *exec.Cmd {
		return func(file string) *exec.Cmd {
			return exec.Command(script.Peer(t, "python3"), "-c", pythonStream, file, where)
		}
	}
	for _, test := range []struct {
		name   string
		server func(file string) *exec.Cmd
		client func(port string) func(file string) *exec.Cmd
	}{
		{"to gcat", ours(listens...), func(port string) func(string) *exec.Cmd { return windows("127.0.0.1", port) }},
		{"from gcat", windows(listens...), func(port string) func(string) *exec.Cmd { return ours("127.0.0.1", port) }},
		{"to Python", python("-l"), func(port string) func(string) *exec.Cmd { return windows("127.0.0.1", port) }},
		{"from Python", windows(listens...), python},
		{"to Windows", windows(listens...), func(port string) func(string) *exec.Cmd { return windows("127.0.0.1", port) }},
		{"to gcat, TLS", ours(encrypted...), func(port string) func(string) *exec.Cmd {
			return windows("-c", "--tls-ca", m.file, "127.0.0.1", port)
		}},
		{"from gcat, TLS", windows(encrypted...), func(port string) func(string) *exec.Cmd {
			return ours("-c", "--tls-ca", m.file, "127.0.0.1", port)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			request, answer := noise(1, 8<<20), noise(2, 8<<20)
			run := func(make func(string) *exec.Cmd, data []byte) *proc {
				stdin := input(t, string(data))
				cmd := make(stdin.Name())
				cmd.Stdin = stdin
				return launch(t, cmd)
			}
			server := run(test.server, answer)
			client := run(test.client(portOf(t, server)), request)
			for _, p := range []*proc{client, server} {
				if status := p.status(); status != 0 {
					t.Errorf("%q: status %d: %s", p.cmd.Args, status, p.err)
				}
			}
			if client.out.String() != string(answer) || server.out.String() != string(request) {
				t.Errorf("%d and %d bytes arrived, or others", len(server.out.String()), len(client.out.String()))
			}
		})
	}
}

func TestWineStatuses(t *testing.T) {
	free := freePort(t)
	silent := serve(t, "tcp", func(c halfConn) { _ = readAll(c) })
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for _, test := range []struct {
		status  int
		program string
		stderr  string
		args    []string
	}{
		{1, "gpack", "standard output: no space left on device", []string{"I", "1"}},
		{1, "gpack", `"none": file not found`, []string{"-d", "I", "none"}},
		{2, "gcat", `unknown option "--none"`, []string{"--none"}},
		{2, "gcat", "cannot use -e on windows", []string{"-e", "cat", "127.0.0.1", free}},
		{3, "gcat", "127.0.0.1:" + free + ": connection refused", []string{"127.0.0.1", free}},
		{3, "gcat", "connect to none: ", []string{"-U", "none"}},
		{3, "gcat", "cannot assign requested address", []string{"-l", "203.0.113.1", "0"}},
		{3, "gcat", "windows has no CAN sockets", []string{"can://can0"}},
		{4, "gcat", "no byte moved for 500ms", append([]string{"-d", "-w0.5"}, silent...)},
		{3, "gecho", "cannot assign requested address", []string{"203.0.113.1:1"}},
	} {
		t.Run(fmt.Sprint(test.program, " ", test.args), func(t *testing.T) {
			cmd := wine(t, test.program, test.args...)
			if test.status == 1 {
				cmd.Stdout = full
			}
			launch(t, cmd).ends(test.status, "", test.stderr)
		})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, taken, _ := net.SplitHostPort(l.Addr().String())
	launch(t, wine(t, "gcat", "-l", "127.0.0.1", taken)).ends(3, "", "address already in use")
}

// The peer resets in the middle of its answer. If wine makes an end of file of it,
// the line that follows cannot be sent.
func TestWineReset(t *testing.T) {
	for range 20 {
		reset, done := make(chan struct{}), make(chan struct{})
		where := serve(t, "tcp", func(c halfConn) {
			_, _ = c.Write([]byte("first\n"))
			<-reset
			resetNow(c)
			close(done)
		})
		stdin, hold := pipe(t)
		cmd := wine(t, "gcat", where...)
		cmd.Stdin = stdin
		p := launch(t, cmd)
		p.out.await(t, "first")
		close(reset)
		<-done
		if _, err := hold.Write([]byte("second\n")); err != nil {
			t.Fatal(err)
		}
		p.ends(5, "first\n", "connection reset by peer")
	}
}

func TestWineEcho(t *testing.T) {
	s := gechoCommand(t, 1, wine(t, "gecho", "--count", "2", "-w", "1", "127.0.0.1:0"))
	host, port, _ := strings.Cut(s.address[0], ":")
	data := noise(3, 8<<20)
	start(t, input(t, string(data)), host, port).ends(0, string(data), "")
	c := dialTest(t, "tcp", s.address[0])
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if got := readAll(c); got != "hello" { // and then silence
		t.Errorf("it echoed %q", got)
	}
	if got := s.status(); got != 0 {
		t.Errorf("status %d: %s", got, s.err)
	}
}

// Records are binary: no CR comes in, and ^Z is no end of file.
func TestWinePack(t *testing.T) {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	all = append(bytes.Repeat(all, 64), "\r\n\n\r\x1a\x1a\r\n"...)
	stdin := input(t, string(all))
	cmd := wine(t, "gpack", "-dj", "*B")
	cmd.Stdin = stdin
	decoded := launch(t, cmd)
	if status := decoded.status(); status != 0 {
		t.Fatalf("status %d: %s", status, decoded.err)
	}
	cmd = wine(t, "gpack", "-j", "*B")
	cmd.Stdin = input(t, decoded.out.String())
	launch(t, cmd).ends(0, string(all), "")
	for _, args := range [][]string{{"-dj", "*B"}, {"--help"}} {
		here, there := exec.Command(script.Path("gpack"), args...), wine(t, "gpack", args...)
		here.Stdin, there.Stdin = input(t, string(all)), input(t, string(all))
		want, err := here.Output()
		if err != nil {
			t.Fatal(err)
		}
		launch(t, there).ends(0, string(want), "")
	}
}
