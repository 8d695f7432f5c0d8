//go:build unix

package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// exchange sends text to address, half-closes, and returns all that comes back.
func exchange(t *testing.T, network, address, text string) string {
	t.Helper()
	c := dialTest(t, network, address)
	defer c.Close()
	go func() {
		_, _ = io.WriteString(c, text) // a command may not want it all
		_ = c.CloseWrite()
	}()
	return readAll(c)
}

// TestExecMany: what goes through cat comes back whole, for many at once.
func TestExecMany(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			p, address := listener(t, network, nil, "-k", "-e", "cat")
			var clients sync.WaitGroup
			for i := range 50 {
				clients.Go(func() {
					text := strings.Repeat(fmt.Sprintf("client %d. ", i), 100_000)
					if got := exchange(t, network, address, text); got != text {
						t.Errorf("client %d: %d bytes of %d came back: %.60q", i, len(got), len(text), got)
					}
				})
			}
			clients.Wait()
			if p.err.String() != "" || p.out.String() != "" {
				t.Errorf("it said %q, and wrote %q", p.err, p.out)
			}
		})
	}
}

// TestExecIsTheSocket: the command has the socket itself, in blocking mode, and
// is told who talks to whom.
func TestExecIsTheSocket(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/fdinfo/0"); err != nil {
		t.Skip("no /proc")
	}
	_, address := listener(t, "tcp", nil, "-k", "-e", `readlink /proc/self/fd/0; readlink /proc/self/fd/1; grep flags /proc/self/fdinfo/0; printenv PROTO TCPREMOTEIP TCPREMOTEPORT TCPLOCALIP TCPLOCALPORT; printenv GCAT_PROXY_PASSWORD`)
	c := dialTest(t, "tcp", address)
	lines := strings.Split(readAll(c), "\n")
	host, port, _ := net.SplitHostPort(address)
	myHost, myPort, _ := net.SplitHostPort(c.LocalAddr().String())
	if len(lines) < 4 || !strings.HasPrefix(lines[0], "socket:[") || lines[1] != lines[0] {
		t.Fatalf("its descriptors are %q", lines)
	}
	flags, err := strconv.ParseInt(strings.TrimSpace(strings.TrimPrefix(lines[2], "flags:")), 8, 64)
	if err != nil || flags&syscall.O_NONBLOCK != 0 {
		t.Errorf("the mode of its socket is %q", lines[2])
	}
	want := []string{"TCP", myHost, myPort, host, port, ""}
	if got := lines[3:]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("it was told %q, want %q", got, want)
	}
}

// TestExecFails: a command's failure is said, and ends no -k listener.
func TestExecFails(t *testing.T) {
	t.Parallel()
	p, address := listener(t, "tcp", nil, "-k", "-e", `read code; echo "ending $code"; exit $code`)
	if got := exchange(t, "tcp", address, "3\n"); got != "ending 3\n" {
		t.Errorf("the peer got %q", got)
	}
	p.err.await(t, `: exit status 3`)
	if got := exchange(t, "tcp", address, "0\n"); got != "ending 0\n" {
		t.Errorf("the next peer got %q", got)
	}
	p.says(`gcat: command "read code; echo \"ending $code\"; exit $code": exit status 3`)

	p, address = listener(t, "tcp", nil, "-e", "echo x; kill -9 $$")
	if got := exchange(t, "tcp", address, ""); got != "x\n" {
		t.Errorf("the peer got %q", got)
	}
	p.ends(1, "", `gcat: command "echo x; kill -9 $$": signal: killed`)
	p, address = listener(t, "tcp", nil, "-e", "echo x")
	if got := exchange(t, "tcp", address, ""); got != "x\n" {
		t.Errorf("the peer got %q", got)
	}
	p.ends(0, "", "")
}

// TestExecEnds: children are ended with gcat, those that ignore SIGTERM and
// those that they have started, too.
func TestExecEnds(t *testing.T) {
	t.Parallel()
	for _, command := range []string{
		"echo $$; exec sleep 1000",
		"sleep 1000 & echo $!; wait",
		"sleep 1000 </dev/null & echo $!",
		"trap '' TERM; echo $$; while :; do sleep 1000; done",
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			p, address := listener(t, "tcp", nil, "-k", "-e", command)
			c := dialTest(t, "tcp", address)
			line := make([]byte, 20)
			n, err := c.Read(line)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
			if err != nil {
				t.Fatal(err)
			}
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			p.ends(128+int(syscall.SIGTERM), "", "")
			for end := time.Now().Add(limit); syscall.Kill(pid, 0) != syscall.ESRCH; time.Sleep(2 * time.Millisecond) {
				if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && strings.Contains(string(stat), ") Z ") {
					break // dead, and for its parent to reap
				}
				if time.Now().After(end) {
					t.Fatalf("process %d lives on", pid)
				}
			}
		})
	}
}

// TestExecReaps: no command that has ended stays as a zombie, nor does what it
// left behind, in its process group or not.
func TestExecReaps(t *testing.T) {
	t.Parallel()
	for _, command := range []string{
		"true & true",
		"setsid true </dev/null >/dev/null 2>&1 & true",
		"setsid sleep 0.1 </dev/null >/dev/null 2>&1 & true",
		"(setsid sh -c 'sleep 0.1 & true' </dev/null >/dev/null 2>&1 &)",
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			p, address := listener(t, "tcp", nil, "-k", "-e", command)
			for range 10 {
				exchange(t, "tcp", address, "")
			}
			for end := time.Now().Add(limit); childrenOf(p) > 0; time.Sleep(2 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%d children are left", childrenOf(p))
				}
			}
		})
	}
}

// childrenOf counts the children of a process, zombies included (Linux;
// elsewhere it is 0).
func childrenOf(p *proc) (n int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.cmd.Process.Pid))
	for _, task := range tasks {
		data, _ := os.ReadFile(task) // a thread may have ended
		n += len(strings.Fields(string(data)))
	}
	return n
}

// TestExecLeftBehind: a process that the command leaves behind keeps the
// connection.
func TestExecLeftBehind(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p, address := listener(t, "tcp", nil, "-e", "{ read line <"+fifo+"; echo \"late $line\"; } & echo early")
	c := dialTest(t, "tcp", address)
	buf := make([]byte, 6)
	if _, err := io.ReadFull(c, buf); err != nil || string(buf) != "early\n" {
		t.Fatalf("read %q, %v", buf, err)
	}
	if err := os.WriteFile(fifo, []byte("word\n"), 0); err != nil {
		t.Fatal(err)
	}
	if got := readAll(c); got != "late word\n" {
		t.Errorf("the peer got %q", got)
	}
	p.ends(0, "", "")
}

// TestExecClocks: the idle limit and the deadline end a command, too, whether or
// not gcat sees the bytes.
func TestExecClocks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"--idle-timeout", "2s"}, "no byte moved for 2s (idle limit)"},
		{[]string{"--idle-timeout", "2s", "--rate", "1G"}, "no byte moved for 2s (idle limit)"},
		{[]string{"--deadline", "4s"}, "deadline"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			p, address := listener(t, "tcp", nil, append(tt.args, "-e", "echo $$; exec sleep 1000")...)
			c := dialTest(t, "tcp", address)
			pid, err := strconv.Atoi(strings.TrimSpace(readAll(c)))
			if err != nil {
				t.Fatal(err)
			}
			p.ends(4, "", tt.want)
			if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
				t.Errorf("the command lives on: %v", err)
			}
		})
	}
	t.Run("busy", func(t *testing.T) {
		t.Parallel()
		p, address := listener(t, "tcp", nil, "--idle-timeout", "3s", "-e", "for i in 1 2 3 4 5; do echo $i; sleep 0.9; done")
		if got := readAll(dialTest(t, "tcp", address)); got != "1\n2\n3\n4\n5\n" {
			t.Errorf("the peer got %q", got)
		}
		p.ends(0, "", "")
	})
}

// TestExecClient: a client may have a command, too.
func TestExecClient(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	where := serve(t, "tcp", func(c halfConn) {
		_, _ = io.WriteString(c, "b\na\n")
		_ = c.CloseWrite()
		got <- readAll(c)
	})
	start(t, input(t, "not for it"), append([]string{"-e", "sort"}, where...)...).ends(0, "", "")
	if s := <-got; s != "a\nb\n" {
		t.Errorf("the server got %q", s)
	}
}

// TestExecRelayed: under TLS the command is relayed, with every half-close, and
// ends as it would with the socket.
func TestExecRelayed(t *testing.T) {
	t.Parallel()
	text := bigText(5)
	p, address := listener(t, "tcp", nil, "-k", "-c", "-e", "cat")
	var clients sync.WaitGroup
	for range 5 {
		clients.Go(func() {
			start(t, input(t, text), "-c", "--tls-insecure", address).ends(0, text, "")
		})
	}
	clients.Wait()
	p.says("")

	p, address = listener(t, "tcp", nil, "-k", "-c", "-e", "head -c 6; exit 7")
	start(t, input(t, text), "-c", "--tls-insecure", address).ends(0, text[:6], "")
	p.err.await(t, "exit status 7")

	// It closes its output and goes on reading.
	seen := filepath.Join(t.TempDir(), "seen")
	p, address = listener(t, "tcp", nil, "-c", "-e", "echo early; exec >&-; cat >"+seen)
	stdin, hold := pipe(t)
	client := start(t, stdin, "-c", "--tls-insecure", address)
	client.out.awaitEOF(t)
	if _, err := io.WriteString(hold, "late"); err != nil {
		t.Fatal(err)
	}
	hold.Close()
	client.ends(0, "early\n", "")
	p.ends(0, "", "")
	if data, err := os.ReadFile(seen); err != nil || string(data) != "late" {
		t.Errorf("the command saw %q, %v", data, err)
	}

	// A peer that leaves the connection open does not hold a command that has
	// ended.
	p, address = listener(t, "tcp", nil, "-c", "-e", "echo hello")
	stdin, _ = pipe(t)
	client = start(t, stdin, "-c", "--tls-insecure", address)
	p.ends(0, "", "")
	client.out.await(t, "hello\n")
}

// TestExecCounts: -v says how many bytes the socket carried, although gcat saw
// none of them.
func TestExecCounts(t *testing.T) {
	t.Parallel()
	p, address := listener(t, "tcp", nil, "-vk", "-e", "cat; echo done")
	exchange(t, "tcp", address, strings.Repeat("x", 200_000))
	p.err.await(t, "sent 200005 bytes, received 200000 in ")
}

// A Unix socket's bytes are not counted, and none are claimed.
func TestExecUncounted(t *testing.T) {
	t.Parallel()
	p, address := listener(t, "unix", nil, "-vk", "-e", "cat")
	c := dialTest(t, "unix", address)
	say(t, c, "hello")
	told(t, c, "hello")
	_ = p.cmd.Process.Signal(syscall.SIGUSR1)
	p.err.await(t, "s so far\n")
	_ = c.Close()
	p.err.await(t, "ended by local\n")
	if got := p.err.String(); strings.Contains(got, "bytes") || strings.Count(got, address+": open for ") != 2 {
		t.Errorf("it said %q", got)
	}

	p, address = listener(t, "tcp", nil, "--log", "json", "-e", "cat")
	exchange(t, "tcp", address, "hello")
	_ = p.status()
	list := events(t, p.err.String())
	if last := list[len(list)-1]; last["received"] != 5.0 || last["first_byte"] != nil {
		t.Errorf("%v", last)
	}
}

// What ended the conversation of a command is told as what it is.
func TestExecEndedBy(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   []string
		status int
	}{
		{"timeout", []string{"-w", "0.1"}, 4},
		{"timeout", []string{"--deadline", "3"}, 4},
		{"signal", nil, 128 + int(syscall.SIGTERM)},
		{"peer", []string{"-w", "60"}, 0},
	} {
		for _, more := range [][]string{nil, {"--rate", "1G"}} {
			t.Run(fmt.Sprint(c.name, c.args, more), func(t *testing.T) {
				t.Parallel()
				command := []string{"--log", "json", "-e", "echo; cat"}
				p, peer := listening(t, "tcp", nil, append(append(command, c.args...), more...)...)
				_, _ = peer.Read(make([]byte, 1)) // it runs
				switch c.name {
				case "signal":
					_ = p.cmd.Process.Signal(syscall.SIGTERM)
				case "peer":
					_ = peer.CloseWrite()
				}
				if got := p.status(); got != c.status {
					t.Errorf("status %d, want %d", got, c.status)
				}
				list := events(t, p.err.String())
				if len(list) < 3 {
					t.Fatalf("it said %q", p.err)
				}
				has(t, list[2], "closed", map[string]any{"ended_by": c.name})
			})
		}
	}
}

// A command that has ended first has ended the conversation, relayed or not.
func TestExecEndedFirst(t *testing.T) {
	t.Parallel()
	for _, options := range [][]string{nil, {"-o", os.DevNull}} {
		p, address := listener(t, "tcp", nil, append(options, "-v", "-e", "echo hi")...)
		c := dialTest(t, "tcp", address)
		_ = readAll(c)
		_ = c.Close()
		if p.status(); !strings.HasSuffix(p.err.String(), "ended by local\n") {
			t.Errorf("%q: it said %q", options, p.err)
		}
	}
}

// TestExecAsked: so does a signal, meanwhile.
func TestExecAsked(t *testing.T) {
	t.Parallel()
	p, address := listener(t, "tcp", nil, "-k", "-e", "cat")
	c := dialTest(t, "tcp", address)
	say(t, c, "hello")
	told(t, c, "hello")
	if err := p.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	p.err.await(t, c.LocalAddr().String()+": sent 5 bytes, received 5 in ")
}

// TestExecWarns: a listener that lets strangers run commands says so.
func TestExecWarns(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args []string
		warn bool
	}{
		{[]string{"0.0.0.0", "0"}, true},
		{[]string{"127.0.0.1", "0"}, false},
		{[]string{"--allow", "127.0.0.1", "0.0.0.0", "0"}, false},
	}
	for _, tt := range tests {
		p := start(t, nil, append([]string{"-l", "-v", "-e", "cat", "--connect-timeout", "10ms"}, tt.args...)...)
		if p.status() != 4 || strings.Contains(p.err.String(), "warning: any host that can reach ") != tt.warn {
			t.Errorf("%q: it said %q", tt.args, p.err)
		}
	}
}

// daemons are commands that say the process they leave behind, and end; that
// process leaves their process group, at once or late, and lives on.
var daemons = map[string]string{
	"setsid":            "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!",
	"setsid, late":      "{ sleep 0.3; exec setsid sleep 1000; } </dev/null >/dev/null 2>&1 & echo $!",
	"setpgid":           "perl -e 'setpgrp; sleep 1000' </dev/null >/dev/null 2>&1 & echo $!",
	"setpgid, late":     "perl -e 'sleep 1; setpgrp; sleep 1000' </dev/null >/dev/null 2>&1 & echo $!",
	"holds the streams": "setsid sleep 1000 2>/dev/null & echo $!",
	"grandchild":        "(setsid sh -c 'sleep 1000 & wait' 2>/dev/null & echo $!)",
}

// TestExecDaemon: a process that has left the command's group does not keep the
// connection, nor gcat, and outlives both.
func TestExecDaemon(t *testing.T) {
	t.Parallel()
	for name, command := range daemons {
		for _, more := range [][]string{nil, {"--rate", "1G"}} {
			t.Run(fmt.Sprint(name, more), func(t *testing.T) {
				t.Parallel()
				p, address := listener(t, "tcp", nil, append(more, "-e", command)...)
				pid, err := strconv.Atoi(strings.TrimSpace(readAll(dialTest(t, "tcp", address))))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = syscall.Kill(-pid, syscall.SIGKILL) })
				p.ends(0, "", "")
				if err := syscall.Kill(pid, 0); err != nil {
					t.Errorf("process %d: %v", pid, err)
				}
			})
		}
	}
}

// TestExecBlocking: a process that has left the group, but not the socket, and keeps
// that in blocking mode, does not keep gcat.
func TestExecBlocking(t *testing.T) {
	t.Parallel()
	const block = `use Fcntl; while (1) { fcntl(STDOUT, F_SETFL, O_RDWR); select(undef, undef, undef, 0.001) }`
	p, address := listener(t, "tcp", nil, "-e", "setsid perl -e '"+block+"' 2>/dev/null & echo $!")
	c := dialTest(t, "tcp", address)
	var pid int
	if _, err := fmt.Fscanln(c, &pid); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-pid, syscall.SIGKILL) })
	for range 20 { // each byte may let a read of gcat's sleep
		_, _ = c.Write([]byte("x"))
		time.Sleep(10 * time.Millisecond)
	}
	p.ends(0, "", "")
}
