//go:build unix

package e2e

import (
	"cmp"
	"crypto/tls"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The tests here are about what gcat writes beside the connection: standard
// output, the file of -o, that of --ready.

// TestOutputFails: an output of ours that fails while input is still to come resets
// the connection, so that the peer does not take half an upload for a whole one;
// after the end of our input it does not. A clock that passes does not reset, and
// over TLS sends no close_notify.
func TestOutputFails(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	cert, _, _ := m.issue("server", nil)
	closed := func() *os.File { // a pipe without a reader
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		t.Cleanup(func() { w.Close() })
		return w
	}
	full := func() *os.File {
		f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	for _, c := range []struct {
		name   string
		args   string
		output func() *os.File // nil is a pipe that is read
		ended  bool            // our input is at its end
		tls    bool
		status int
		met    string // by the peer: an end or a reset
	}{
		{"full", "", full, false, false, 1, "reset"},
		{"full, dumped", "-o /dev/null", full, false, false, 1, "reset"},
		{"reader gone", "", closed, false, false, 128 + int(syscall.SIGPIPE), "reset"},
		{"input ended", "", full, true, false, 1, "end"},
		{"no input", "-d", full, false, false, 1, "end"},
		{"TLS, full", "", full, false, true, 1, "reset"},
		{"TLS, input ended", "", full, true, true, 1, "end"},
		{"idle", "-w 0.3", nil, false, false, 4, "end"},
		{"deadline", "--deadline 1", nil, false, false, 4, "end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			met := make(chan error, 1)
			peer := func(s io.ReadWriter) {
				// A reset is reported once, by whichever call is the first.
				_, err := io.ReadFull(s, make([]byte, 7))
				if err == nil && c.ended {
					_, err = s.Read(make([]byte, 1))
				}
				if err == nil || c.ended {
					_, e := io.WriteString(s, "hello")
					err = cmp.Or(err, e)
				}
				if err == nil {
					_, err = s.Read(make([]byte, 1))
				}
				met <- err
				_, _ = io.Copy(io.Discard, s)
			}
			args := strings.Fields(c.args)
			if c.tls {
				args = append(args, "-c", "--tls-ca", m.file)
				args = append(args, serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}, func(s *tls.Conn) { peer(s) })...)
			} else {
				args = append(args, serve(t, "tcp", func(s halfConn) { peer(s) })...)
			}
			cmd := gcatCmd(args...)
			stdin, hold := pipe(t)
			if c.name == "no input" {
				// The peer speaks without having heard.
				args = append(strings.Fields(c.args), serve(t, "tcp", func(s halfConn) {
					_, _ = io.WriteString(s, "hello")
					_, err := s.Read(make([]byte, 1))
					met <- err
				})...)
				cmd = gcatCmd(args...)
			}
			say(t, hold, "half an")
			if c.ended {
				hold.Close()
			}
			cmd.Stdin = stdin
			if c.output != nil {
				cmd.Stdout = c.output()
			}
			p := launch(t, cmd)
			if got := p.status(); got != c.status {
				t.Errorf("status %d, want %d; it said %q", got, c.status, p.err)
			}
			err := <-met
			if c.met == "end" && err != io.EOF || c.met == "reset" && !isReset(err) {
				t.Errorf("the peer met %v, want %s", err, c.met)
			}
		})
	}
	t.Run("TLS, idle", func(t *testing.T) {
		t.Parallel()
		p, address := listener(t, "tcp", nil, "-c")
		stdin, hold := pipe(t)
		say(t, hold, "half an")
		client := start(t, stdin, "-w", "0.3", "-c", "--tls-insecure", address)
		if got := client.status(); got != 4 {
			t.Errorf("status %d; it said %q", got, client.err)
		}
		p.ends(5, "half an", "cut short")
	})
}

// TestDumpFails: a dump that cannot be written ends no conversation. It is a line
// and status 1 in the end; on standard error it is dropped as a log is.
func TestDumpFails(t *testing.T) {
	t.Parallel()
	text := bigText(1)
	echoed := func(c halfConn) {
		_, _ = io.Copy(c, c)
		_ = c.CloseWrite()
	}
	t.Run("full", func(t *testing.T) {
		t.Parallel()
		start(t, input(t, text), append([]string{"-o", "/dev/full"}, serve(t, "tcp", echoed)...)...).
			ends(1, text, `gcat: write "/dev/full": no space left on device`)
	})
	t.Run("reader gone", func(t *testing.T) {
		t.Parallel()
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		defer w.Close()
		cmd := gcatCmd(append([]string{"-o", "/dev/fd/3"}, serve(t, "tcp", echoed)...)...)
		cmd.Stdin, cmd.ExtraFiles = input(t, text), []*os.File{w}
		launch(t, cmd).ends(1, text, `gcat: write "/dev/fd/3": broken pipe`)
	})
	t.Run("listener", func(t *testing.T) {
		t.Parallel()
		p, address := listener(t, "tcp", nil, "-k", "-o", "/dev/full")
		for range 2 {
			c := dialTest(t, "tcp", address)
			say(t, c, "hello")
			_ = c.CloseWrite()
			if got := readAll(c); got != "" {
				t.Errorf("the peer got %q", got)
			}
		}
		p.out.await(t, "hellohello")
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		p.ends(128+int(syscall.SIGTERM), "hellohello", `gcat: write "/dev/full": no space left on device`)
	})
	t.Run("and another failure", func(t *testing.T) {
		t.Parallel()
		p := start(t, nil, append([]string{"-o", "/dev/full"}, serve(t, "tcp", func(c halfConn) {
			_, _ = io.WriteString(c, "hello")
			_, _ = c.Read(make([]byte, 1))
			resetNow(c)
		})...)...)
		if got := p.status(); got != 5 {
			t.Errorf("status %d", got)
		}
		for _, words := range []string{"/dev/full", "connection reset by peer"} {
			p.err.await(t, words)
		}
	})
}

// TestOutputsAreOurs: an output that is a standard stream by another name is that
// stream, neither truncated nor written at an offset of its own; one that is our
// input is refused.
func TestOutputsAreOurs(t *testing.T) {
	t.Parallel()
	hello := func(c halfConn) {
		_, _ = io.WriteString(c, "hello")
		_ = c.CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	}
	opened := func(t *testing.T, flag int) *os.File {
		f, err := os.OpenFile(filepath.Join(t.TempDir(), "file"), os.O_RDWR|os.O_CREATE|flag, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		say(t, f, "before\n")
		return f
	}
	read := func(f *os.File) string {
		data, _ := os.ReadFile(f.Name())
		return string(data)
	}
	for _, name := range []string{"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "its name"} {
		t.Run("standard output, "+name, func(t *testing.T) {
			t.Parallel()
			if _, err := os.Stat(name); name[0] == '/' && err != nil {
				t.Skip(err)
			}
			f := opened(t, 0)
			if name == "its name" {
				name = f.Name()
			}
			cmd := gcatCmd(append([]string{"-o", name}, serve(t, "tcp", hello)...)...)
			cmd.Stdin, cmd.Stdout = input(t, "sent\n"), f
			launch(t, cmd).ends(0, "", "")
			got := read(f)
			for _, part := range []string{"before\n", "hello", "|hello|", "|sent.|"} {
				if !strings.Contains(got, part) {
					t.Errorf("%q is not in %q", part, got)
				}
			}
		})
	}
	for _, args := range [][]string{{"-o", "/dev/stderr"}, {"-o", "/dev/fd/2"}} {
		t.Run("standard error", func(t *testing.T) {
			t.Parallel()
			f := opened(t, os.O_APPEND)
			cmd := gcatCmd(append(args, serve(t, "tcp", hello)...)...)
			cmd.Stderr = f
			launch(t, cmd).ends(0, "hello", "")
			if got := read(f); !strings.HasPrefix(got, "before\n#") || !strings.Contains(got, "|hello|") {
				t.Errorf("the log is %q", got)
			}
		})
	}
	t.Run("ready", func(t *testing.T) {
		t.Parallel()
		f := opened(t, os.O_APPEND)
		cmd := gcatCmd("-lk", "--ready", "/dev/stdout", "127.0.0.1", "0")
		cmd.Stdout = f
		p := launch(t, cmd)
		for end := time.Now().Add(limit); !strings.Contains(read(f), "127.0.0.1:") && time.Now().Before(end); {
			time.Sleep(2 * time.Millisecond)
		}
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		p.ends(128+int(syscall.SIGTERM), "", "")
		if got := read(f); !strings.HasPrefix(got, "before\n127.0.0.1:") {
			t.Errorf("standard output is %q", got)
		}
	})
	for _, args := range []string{"-o FILE 127.0.0.1 1", "-l --ready FILE 127.0.0.1 0", "-lu --ready FILE 127.0.0.1 0"} {
		t.Run("input, "+args, func(t *testing.T) {
			t.Parallel()
			f := opened(t, 0)
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			cmd := gcatCmd(strings.Fields(strings.ReplaceAll(args, "FILE", f.Name()))...)
			cmd.Stdin = f
			launch(t, cmd).ends(1, "", `file": input file is output file`)
			if got := read(f); got != "before\n" {
				t.Errorf("the input is %q now", got)
			}
		})
	}
	t.Run("not ours", func(t *testing.T) {
		t.Parallel()
		// Descriptor 9 is not open, whatever this process may open as 9 later.
		start(t, nil, "-l", "--ready", "/dev/fd/9", "127.0.0.1", "0").ends(1, "", `open "/dev/fd/9": no such file or directory`)
		start(t, nil, "-l", "--ready", "-", "127.0.0.1", "0").ends(2, "", "--ready needs a file")
	})
}

// A dump into a pipe that nothing reads delays the end, whatever its cause, by
// closeLimit, and both are reported.
func TestDumpUnread(t *testing.T) {
	for _, test := range []struct {
		name, option, words string
		status              int
	}{
		{"deadline", "--deadline=0.2", "the run took longer than 200ms (deadline)", 4},
		{"idle", "-w0.2", "no byte moved for 200ms (idle limit)", 4},
		{"signal", "-v", "ended by signal", 128 + int(syscall.SIGTERM)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, w := pipe(t)
			cmd := gcatCmd(append([]string{test.option, "-o", "/dev/fd/3"}, serve(t, "tcp", func(s halfConn) {
				_, _ = s.Write(make([]byte, 1<<20)) // more than the pipe holds; it fails when gcat ends
			})...)...)
			cmd.ExtraFiles, cmd.Stdout = []*os.File{w}, io.Discard
			p := launch(t, cmd)
			if _, err := r.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if test.name == "signal" {
				_ = cmd.Process.Signal(syscall.SIGTERM)
			}
			if got := p.status(); got != test.status {
				t.Errorf("status %d, want %d", got, test.status)
			}
			for _, want := range []string{test.words, `write "/dev/fd/3": not done after 2s`} {
				if !strings.Contains(p.err.String(), want) {
					t.Errorf("it said %q, want %q", p.err, want)
				}
			}
		})
	}
}

// A scan whose output nothing reads ends by the deadline, too.
func TestScanUnread(t *testing.T) {
	t.Parallel()
	_, w := pipe(t)
	_ = w.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = w.Write(make([]byte, 4<<20)) // until it is full
	open := serve(t, "tcp", func(halfConn) {})
	cmd := gcatCmd(append([]string{"-z", "--deadline=1"}, append(open, "1")...)...)
	cmd.Stdout = w
	launch(t, cmd).ends(4, "", "gcat: standard output: the run took longer than 1s (deadline)")
}
