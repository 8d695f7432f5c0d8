//go:build unix

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// unread are kinds of standard error that take nothing.
var unread = map[string]func(t *testing.T, cmd *exec.Cmd){
	"a reader that has left": func(t *testing.T, cmd *exec.Cmd) {
		r, w := pipe(t)
		r.Close()
		cmd.Stderr = w
	},
	"a reader that never reads": func(t *testing.T, cmd *exec.Cmd) {
		_, w := pipe(t)
		fill(t, w)
		cmd.Stderr = w
	},
	"a full disk": func(t *testing.T, cmd *exec.Cmd) {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			script.Missing(t, err.Error())
		}
		t.Cleanup(func() { full.Close() })
		cmd.Stderr = full
	},
	"closed": func(t *testing.T, cmd *exec.Cmd) {
		cmd.Args = append([]string{"sh", "-c", `exec "$@" 2>&-`, "sh"}, cmd.Args...)
		cmd.Path = script.Peer(t, "sh")
	},
}

// fill fills the pipe that w writes to.
func fill(t *testing.T, w *os.File) {
	fd := int(w.Fd()) // in blocking mode
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for n, err := 4096, error(nil); n > 0; {
		if _, err = syscall.Write(fd, make([]byte, n)); err != nil {
			n /= 2
		}
	}
	if err := syscall.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
}

// talks are what the three commands do, each with much to say about it. They
// return the status and what else could be seen.
var talks = map[string]func(t *testing.T, spoil func(*exec.Cmd)) (status int, seen string){
	"client": func(t *testing.T, spoil func(*exec.Cmd)) (int, string) {
		for _, flags := range [][]string{{"-vv"}, {"--log", "json"}, {"-o", "-"}} {
			heard := make(chan string, 1)
			cmd := gcatCmd(append(flags, serve(t, "tcp", func(c halfConn) {
				heard <- readAll(c)
				_, _ = io.WriteString(c, strings.Repeat("answer", 50_000))
			})...)...)
			cmd.Stdin = input(t, strings.Repeat("question", 50_000))
			spoil(cmd)
			p := launch(t, cmd)
			if status, out := p.status(), p.out.String(); status != 0 || len(out) != 300_000 {
				return status, fmt.Sprintf("%q: %d bytes", flags, len(out))
			} else if n := len(<-heard); n != 400_000 {
				return status, fmt.Sprintf("%q: %d bytes sent", flags, n)
			}
		}
		return 0, ""
	},
	"failure": func(t *testing.T, spoil func(*exec.Cmd)) (int, string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		cmd := gcatCmd("--log", "json", l.Addr().String())
		spoil(cmd)
		return launch(t, cmd).status(), ""
	},
	"usage": func(t *testing.T, spoil func(*exec.Cmd)) (int, string) {
		cmd := gcatCmd("--nonsense")
		spoil(cmd)
		return launch(t, cmd).status(), ""
	},
	"gpack": func(t *testing.T, spoil func(*exec.Cmd)) (int, string) {
		cmd := exec.Command(script.Path("gpack"), "-vd", "H", "/nowhere", "-")
		cmd.Stdin = input(t, "\x00\x01\x00\x02\x00")
		spoil(cmd)
		p := launch(t, cmd)
		return p.status(), p.out.String()
	},
	"listener": func(t *testing.T, spoil func(*exec.Cmd)) (int, string) {
		r, w := pipe(t)
		cmd := gcatCmd("-lkv", "--ready", "/dev/fd/3", "127.0.0.1", "0")
		cmd.ExtraFiles = []*os.File{w}
		spoil(cmd)
		p := launch(t, cmd)
		w.Close()
		address, _ := io.ReadAll(r)
		for range 300 { // more lines than a pipe holds
			_ = p.cmd.Process.Signal(syscall.SIGUSR1)
			c := dialTest(t, "tcp", strings.TrimSpace(string(address)))
			_, _ = io.WriteString(c, "data")
			_ = c.CloseWrite()
			if got := readAll(c); got != "" {
				t.Fatal(got)
			}
			c.Close()
		}
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		status := p.status()
		return status, p.out.String()
	},
	"gecho": func(t *testing.T, spoil func(*exec.Cmd)) (int, string) {
		r, w := pipe(t)
		cmd := exec.Command(script.Path("gecho"), "-vv", "127.0.0.1:0")
		cmd.Stdout = w
		spoil(cmd)
		p := launch(t, cmd)
		w.Close()
		line, err := bufio.NewReader(r).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		for range 300 {
			_ = p.cmd.Process.Signal(syscall.SIGUSR1)
			c := dialTest(t, "tcp", strings.TrimSpace(strings.TrimPrefix(line, "tcp://")))
			_, _ = io.WriteString(c, "data")
			_ = c.CloseWrite()
			if got := readAll(c); got != "data" {
				t.Fatal(got)
			}
			c.Close()
		}
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		return p.status(), ""
	},
}

// Standard error that takes nothing ends nothing, delays nothing and changes no
// status; a process that reads it gets every line.
func TestStderrUnread(t *testing.T) {
	t.Parallel()
	for name, talk := range talks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantStatus, wantSeen := talk(t, func(*exec.Cmd) {})
			for kind, spoil := range unread {
				t.Run(kind, func(t *testing.T) {
					t.Parallel()
					began := time.Now()
					status, seen := talk(t, func(cmd *exec.Cmd) { spoil(t, cmd) })
					if status != wantStatus || seen != wantSeen {
						t.Errorf("status %d, want %d; %q, want %q", status, wantStatus, seen, wantSeen)
					}
					t.Log(time.Since(began))
				})
			}
		})
	}
}

// A healthy reader gets every line, however late it reads.
func TestStderrReadLate(t *testing.T) {
	t.Parallel()
	r, w := pipe(t)
	cmd := exec.Command(script.Path("gecho"), "-v", "--once", "127.0.0.1:0")
	cmd.Stderr = w
	fill(t, w)
	p := launch(t, cmd)
	w.Close()
	p.out.await(t, "\n")
	c := dialTest(t, "tcp", strings.TrimSpace(strings.TrimPrefix(p.out.String(), "tcp://")))
	_ = c.CloseWrite()
	if got := readAll(c); got != "" {
		t.Error(got)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"listening on", "accepted", "closed", "totals:"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in %q", want, strings.Trim(string(text), "\x00"))
		}
	}
	if p.status() != 0 {
		t.Error(p.status())
	}
}

// Standard output is data: a reader that leaves ends a command by SIGPIPE as
// ever.
func TestStdoutSIGPIPE(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"gcat", "--help"}, {"gpack", "-v", "B", "1"}} {
		r, w := pipe(t)
		r.Close()
		cmd := exec.Command(script.Path(args[0]), args[1:]...)
		cmd.Stdout = w
		if got := launch(t, cmd).status(); got != 128+int(syscall.SIGPIPE) {
			t.Errorf("%q: status %d", args, got)
		}
	}
}
