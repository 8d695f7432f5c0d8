//go:build linux

package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gcat/internal/testing/script"
)

// waiting expects that c was not accepted: what is written is not answered.
func waiting(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := c.Write([]byte("x\n")); err != nil {
		t.Fatal(err)
	}
	silent(t, c)
}

// A full server leaves the rest in the backlog, whichever endpoint they called,
// and takes the next as soon as one leaves.
func TestEchoMaxConns(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, args ...string) {
		s := gecho(t, 2, append(args, "--max-conns", "2", "0", "0")...)
		first, second := s.dial(0), s.dial(1)
		talk(t, first, "1\n", "1\n")
		talk(t, second, "2\n", "2\n")
		third, fourth := s.dial(1), s.dial(0)
		waiting(t, third)
		waiting(t, fourth)
		first.Close()
		second.Close()
		talk(t, third, "3\n", "x\n3\n")
		talk(t, fourth, "4\n", "x\n4\n")
	})
}

// A client that stalls in its TLS handshake takes no slot of those who have finished
// it.
func TestMaxConnsHandshake(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "-c", "--max-conns", "1", "0")
	for range 3 {
		_ = s.dial() // says nothing
	}
	start(t, input(t, "hello"), "-c", "--tls-insecure", s.address[0]).ends(0, "hello", "")
	first := handshaken(tls.Client(s.dial(), &tls.Config{InsecureSkipVerify: true}))
	talk(t, first, "1", "1")
	second := tls.Client(s.dial(), &tls.Config{InsecureSkipVerify: true})
	served := make(chan error, 1)
	go func() { served <- second.Handshake() }()
	select {
	case err := <-served:
		t.Errorf("a second one is served: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	first.Close()
	talk(t, second, "2", "2")
}

// At the limit of descriptors gecho keeps serving, uses no time while it is full,
// and takes the next as soon as one leaves.
func TestDescriptorLimit(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, args ...string) {
		shell := append([]string{"-c", `ulimit -n 64; exec "$@"`, "sh", script.Path("gecho")}, args...)
		s := gechoCommand(t, 1, exec.Command("sh", append(shell, "--max-conns", "1000", "0")...))
		var inside, outside []net.Conn
		for range 80 {
			c := s.dial()
			_, _ = c.Write([]byte("x\n"))
			outside = append(outside, c)
		}
		answered := func(c net.Conn, limit time.Duration) bool {
			_ = c.SetReadDeadline(time.Now().Add(limit))
			n, _ := c.Read(make([]byte, 2))
			return n == 2
		}
		for len(outside) > 0 && answered(outside[0], 500*time.Millisecond) {
			inside, outside = append(inside, outside[0]), outside[1:]
		}
		if len(inside) < 30 || len(outside) == 0 {
			t.Fatalf("%d served, %d waiting", len(inside), len(outside))
		}
		before := ticks(t, s)
		time.Sleep(500 * time.Millisecond) // a spinning server would use 50 ticks
		if used := ticks(t, s) - before; used > 10 {
			t.Errorf("%d ticks of CPU while full", used)
		}
		for len(outside) > 0 {
			inside[0].Close()
			inside = append(inside[1:], outside[0])
			if !answered(outside[0], limit) {
				t.Fatal("the next was not taken")
			}
			outside = outside[1:]
		}
	})
}

// Without a descriptor for a client, several listeners wait for one, and say
// so once a second each.
func TestNoDescriptor(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, args ...string) {
		shell := append([]string{"-c", `ulimit -n 64; exec "$@"`, "sh", script.Path("gecho")}, args...)
		s := gechoCommand(t, 2, exec.Command("sh", append(shell, "0", "0")...))
		talk(t, s.dial(), "x\n", "x\n") // whatever it opens for itself is open
		free := uint64(0)               // the number that the next descriptor would get
		for ; ; free++ {
			if _, err := os.Lstat(fmt.Sprintf("/proc/%d/fd/%d", s.cmd.Process.Pid, free)); err != nil {
				break
			}
		}
		limit := unix.Rlimit{Cur: free, Max: 64}
		if err := unix.Prlimit(s.cmd.Process.Pid, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			waiting(t, s.dial(i))
		}
		s.said("too many open files")
		before := ticks(t, s)
		time.Sleep(time.Second)
		if used, lines := ticks(t, s)-before, strings.Count(s.err.String(), "\n"); used > 10 || lines > 20 {
			t.Errorf("%d ticks of CPU, %d lines", used, lines)
		}
	})
}

// ticks is the CPU time of the server in clock ticks.
func ticks(t *testing.T, s *echoServer) (n int) {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	var user, system int
	fields := strings.Fields(rest)
	_, _ = fmt.Sscan(fields[11], &user)
	_, _ = fmt.Sscan(fields[12], &system)
	return user + system
}

// --once and --count: as many as asked for, and then no client gets in.
func TestCount(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, args ...string) {
		s := gecho(t, 2, append(args, "--count", "2", "0", "0")...)
		first, second := s.dial(0), s.dial(1)
		talk(t, first, "1\n", "1\n")
		talk(t, second, "2\n", "2\n")
		for {
			c, err := net.Dial("tcp", s.address[0])
			if err != nil {
				break
			}
			c.Close() // it is not gone yet
		}
		first.Close()
		talk(t, second, "still\n", "still\n")
		second.Close()
		if got := s.status(); got != 0 {
			t.Errorf("status %d", got)
		}
	})
}

// --log json: one object a line, and what is in it. SIGUSR1 asks for the totals.
func TestLogJSON(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, args ...string) {
		s := gecho(t, 1, append(args, "--log", "json", "-w", "200ms", "0")...)
		c := s.dial()
		talk(t, c, "hello\n", "hello\n")
		_ = s.cmd.Process.Signal(syscall.SIGUSR1)
		s.said(`"event":"totals"`)
		rest(t, c)
		c.Close()
		s.said(`"event":"closed"`)
		if got := s.end(syscall.SIGTERM); got != 0 {
			t.Errorf("status %d", got)
		}
		var names []string
		for line := range strings.Lines(s.err.String()) {
			var o map[string]any
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			names = append(names, o["event"].(string))
			switch o["event"] {
			case "closed":
				if o["sent"] != 6.0 || o["received"] != 6.0 || o["ended_by"] != "timeout" || o["remote"] == nil || o["local"] == nil || o["duration"] == nil || o["first_byte"] == nil {
					t.Errorf("%s", line)
				}
			case "error":
				if o["error"] != "timeout" {
					t.Errorf("%s", line)
				}
			}
		}
		for _, want := range []string{"listening", "accepted", "error", "closed", "totals"} {
			if !slices.Contains(names, want) {
				t.Errorf("no %q among %q", want, names)
			}
		}
	})
}

// --allow and --deny.
func TestEchoRules(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, args ...string) {
		s := gecho(t, 1, append(args, "--deny", "127.0.0.0/8", "--once", "0", "[::1]:0")...)
		if got := rest(t, s.dial()); got != "" {
			t.Errorf("got %q", got)
		}
		s.said("refused 127.0.0.1:")
	})
}

// Sockets handed over by LISTEN_FDS are used as they are.
func TestListenFDs(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, args ...string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		p, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		lf, _ := l.(*net.TCPListener).File()
		pf, _ := p.(*net.UDPConn).File()
		cmd := exec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ LISTEN_FDS=2 exec "$@"`, "sh", script.Path("gecho")}, args...)...)
		cmd.ExtraFiles = []*os.File{lf, pf}
		s := gechoCommand(t, 2, cmd)
		lf.Close()
		pf.Close()
		talk(t, s.dial(), "handed\n", "handed\n")
		if got, ok := answered(t, dialUDP(t, "", s.address[1]), []byte("over")); !ok || string(got) != "over" {
			t.Errorf("%q", got)
		}
	})
}

// Handed over by LISTEN_FDS, a listener speaks TLS with -c, and its name says so; a
// socket that neither listens nor is connected is refused, and one that its peer has
// reset is not.
func TestListenFDsKinds(t *testing.T) {
	t.Parallel()
	start := func(l any, args ...string) *exec.Cmd {
		f, err := l.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		cmd := exec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"`, "sh", script.Path("gecho")}, args...)...)
		cmd.ExtraFiles = []*os.File{f}
		return cmd
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := gechoCommand(t, 1, start(l, "-c"))
	if got, want := s.out.String(), "tls://"+l.Addr().String()+"\n"; got != want {
		t.Errorf("it prints %q, want %q", got, want)
	}
	s.end(syscall.SIGTERM)

	c := dialTest(t, "tcp", l.Addr().String())
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	cmd := start(c)
	_ = peer.(*net.TCPConn).SetLinger(0)
	peer.Close()
	launch(t, cmd).ends(0, "", "gecho: connection 1: connection reset by peer\n")

	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := net.FileConn(os.NewFile(uintptr(fd), "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer bound.Close()
	launch(t, start(bound)).ends(1, "", "gecho: LISTEN_FDS: descriptor 3: tcp://"+bound.LocalAddr().String()+" neither listens nor is connected\n")
}

// The log is not read, and holds up no client.
func TestLogUnread(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, args ...string) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		shell := append([]string{"-c", `exec "$@" 2>&3`, "sh", script.Path("gecho")}, args...)
		cmd := exec.Command("sh", append(shell, "--log", "json", "0")...)
		cmd.ExtraFiles = []*os.File{w}
		s := gechoCommand(t, 1, cmd)
		w.Close()
		for range 1000 { // each is told twice, in 200 bytes; a pipe holds 64 KiB
			c := s.dial()
			talk(t, c, "x\n", "x\n")
			c.Close()
		}
		if got := s.end(syscall.SIGTERM); got != 0 {
			t.Errorf("status %d", got)
		}
	})
}
