package e2e

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gcat/internal/testing/script"
)

// handed starts gcat with sockets that a service manager hands over.
func handed(t *testing.T, stdin *os.File, sockets []*os.File, args ...string) *proc {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ LISTEN_FDS=` + string(rune('0'+len(sockets))) + ` exec "$@"`, "sh", script.Path("gcat")}, args...)...)
	cmd.Stdin, cmd.ExtraFiles = stdin, sockets
	p := launch(t, cmd)
	for _, f := range sockets {
		f.Close()
	}
	return p
}

// gcat -l without an address listens on the socket that was handed over: a stream's,
// a datagram's, or a connection.
func TestHanded(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, _ := l.(*net.TCPListener).File()
	p := handed(t, input(t, "hello"), []*os.File{f}, "-l")
	c := dialTest(t, "tcp", l.Addr().String())
	_ = c.CloseWrite()
	if got := readAll(c); got != "hello" {
		t.Errorf("%q", got)
	}
	p.ends(0, "", "")

	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	f, _ = u.(*net.UDPConn).File()
	p = handed(t, nil, []*os.File{f}, "-l", "-W", "1")
	if _, err := udpClient(t, u.LocalAddr().String()).Write([]byte("datagram")); err != nil {
		t.Fatal(err)
	}
	p.ends(0, "datagram", "")

	client := make(chan string, 1)
	where := serve(t, "tcp", func(c halfConn) {
		_ = c.CloseWrite()
		client <- readAll(c)
	})
	conn, err := net.Dial("tcp", net.JoinHostPort(where[0], where[1]))
	if err != nil {
		t.Fatal(err)
	}
	f, _ = conn.(*net.TCPConn).File()
	conn.Close()
	p = handed(t, input(t, "accepted already"), []*os.File{f}, "-l")
	if got := <-client; got != "accepted already" {
		t.Errorf("%q", got)
	}
	p.ends(0, "", "")
}

// Options of a socket that gcat opens are refused: this one is open.
func TestHandedOptions(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, option := range []string{"-4", "--backlog=1", "--interface=lo", "--sndbuf=4K"} {
		f, _ := l.(*net.TCPListener).File()
		name, _, _ := strings.Cut(option, "=")
		handed(t, nil, []*os.File{f}, "-l", option).ends(2, "", "gcat: cannot use "+name+" with the socket of LISTEN_FDS; see gcat --help\n")
	}
}

// A socket that is connected serves its only peer: it does not listen, and there is no
// other peer.
func TestHandedConnected(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := dialTest(t, "tcp", l.Addr().String()).(*net.TCPConn)
	for _, option := range []string{"-k", "--ready=file"} {
		f, _ := c.File()
		name, _, _ := strings.Cut(option, "=")
		handed(t, nil, []*os.File{f}, "-l", option).ends(2, "", "gcat: cannot use "+name+" with a connected socket of LISTEN_FDS; see gcat --help\n")
	}
}

// So does -lk --to, over a Unix socket, whose file it leaves alone.
func TestHandedForward(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	where := serve(t, "tcp", func(c halfConn) { _, _ = io.Copy(c, c) })
	f, _ := l.File()
	p := handed(t, nil, []*os.File{f}, "-lk", "--to", net.JoinHostPort(where[0], where[1]))
	c := dialTest(t, "unix", path)
	_, _ = io.WriteString(c, "echo")
	_ = c.CloseWrite()
	if got := readAll(c); got != "echo" {
		t.Errorf("%q; it said %q", got, p.err)
	}
	interrupt(t, p)
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

// What is handed over for another process, or beside an address, is left alone;
// two sockets are one too many.
func TestHandedNot(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cmd := gcatCmd("-l")
	cmd.Env = append(os.Environ(), "LISTEN_FDS=1", "LISTEN_PID=1")
	launch(t, cmd).ends(2, "", "gcat: no port to listen on")
	f, _ := l.(*net.TCPListener).File()
	g, _ := l.(*net.TCPListener).File()
	handed(t, nil, []*os.File{f, g}, "-l").ends(1, "", "gcat: LISTEN_FDS hands over 2 sockets: gcat listens on one\n")
	handed(t, nil, nil, "-l").ends(2, "", "gcat: no port to listen on")
}

// A connection that was handed over is subject to --allow and --deny, as one that
// gcat accepts.
func TestHandedRules(t *testing.T) {
	t.Parallel()
	for _, rule := range [][]string{{"--allow", "10.0.0.0/8"}, {"--deny", "127.0.0.0/8", "-e", "echo secret"}} {
		got := make(chan string, 1)
		where := serve(t, "tcp", func(c halfConn) { got <- readAll(c) })
		c := dialTest(t, "tcp", net.JoinHostPort(where[0], where[1]))
		f, _ := c.(*net.TCPConn).File()
		name := c.RemoteAddr().String()
		c.Close()
		p := handed(t, input(t, "secret"), []*os.File{f}, append([]string{"-l"}, rule...)...)
		p.ends(3, "", "gcat: "+name+" may not connect (--allow, --deny)\n")
		if s := <-got; s != "" {
			t.Errorf("%q: %q was sent", rule, s)
		}
	}
}

// A connection that its peer has reset before gcat began has no address any more. A socket
// that neither listens nor was ever connected is refused.
func TestHandedWithoutPeer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := dialTest(t, "tcp", l.Addr().String())
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	f, _ := c.(*net.TCPConn).File()
	name := c.LocalAddr().String()
	c.Close()
	_ = peer.(*net.TCPConn).SetLinger(0)
	peer.Close()
	handed(t, input(t, ""), []*os.File{f}, "-l").ends(5, "", "gcat: receive from "+name+" after 0 bytes: connection reset by peer\n")

	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	handed(t, input(t, ""), []*os.File{os.NewFile(uintptr(fd), "socket")}, "-l").ends(1, "", "gcat: LISTEN_FDS: descriptor 3: tcp://0.0.0.0:0 neither listens nor is connected\n")
}

// An option that asks for another kind of socket than was handed over is refused.
func TestHandedOtherwise(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, option := range []string{"-u", "-U"} {
		f, _ := l.(*net.TCPListener).File()
		handed(t, nil, []*os.File{f}, "-l", "--deadline", "5", option).
			ends(2, "", "gcat: cannot use "+option+" with \"tcp://"+l.Addr().String()+"\"")
	}
}
