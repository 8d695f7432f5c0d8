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

	"gcat/internal/testing/script"
)

// The reader of our output leaves in the middle: we die of SIGPIPE.
func TestOutputCloses(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		at := serve(t, network, func(c halfConn) { _, _ = c.Write(make([]byte, 20<<20)) })
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := gcatCmd(at...)
		cmd.Stdout = w
		p := launch(t, cmd)
		w.Close()
		_, _ = r.Read(make([]byte, 1))
		r.Close()
		p.ends(128+int(syscall.SIGPIPE), "", "")
	})
}

// A full disk.
func TestOutputFull(t *testing.T) {
	at := serve(t, "tcp", func(c halfConn) {
		_, _ = io.WriteString(c, "data")
		_ = readAll(c)
	})
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err) // only Linux has it
	}
	defer full.Close()
	stdin, _ := pipe(t)
	cmd := gcatCmd(at...)
	cmd.Stdin, cmd.Stdout = stdin, full
	launch(t, cmd).ends(1, "", "gcat: standard output: no space left on device")
}

// Standard input cannot be read: the peer must not take that for the end
// of what we had to say.
func TestInputDirectory(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		met := make(chan error, 1)
		at := serve(t, network, func(c halfConn) {
			_, err := c.Read(make([]byte, 1))
			met <- err
		})
		dir, err := os.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		start(t, dir, at...).ends(1, "", "gcat: standard input: is a directory")
		if err := <-met; network == "tcp" && !isReset(err) {
			t.Errorf("the peer met %v, want a reset", err)
		}
	})
}

// The reader of our output leaves while the line is silent.
func TestOutputReaderLeaves(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		connected := make(chan struct{})
		at := serve(t, network, func(c halfConn) {
			close(connected)
			_ = readAll(c)
		})
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		stdin, _ := pipe(t)
		cmd := gcatCmd(at...)
		cmd.Stdin, cmd.Stdout = stdin, w
		p := launch(t, cmd)
		w.Close()
		<-connected
		r.Close()
		p.ends(128+int(syscall.SIGPIPE), "", "")
	})
}

// The same for a listener that nobody has called yet.
func TestOutputReaderLeavesListener(t *testing.T) {
	for _, flags := range [][]string{{"-l"}, {"-lk"}} {
		t.Run(flags[0], func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			cmd := gcatCmd(append(flags, "127.0.0.1", "0")...)
			cmd.Stdout = w
			p := launch(t, cmd)
			w.Close()
			r.Close()
			p.ends(128+int(syscall.SIGPIPE), "", "")
		})
	}
}

// A standard input that cannot be read, in the other kinds of conversation: the
// peer does not take it for an end, except where there is none to be told of.
func TestInputDirectoryElsewhere(t *testing.T) {
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

	p, address = listener(t, "tcp", dir, "-k") // no peer's input has ended
	for range 3 {
		if err := meet(address); !isReset(err) {
			t.Errorf("the peer met %v, want a reset", err)
		}
	}
	p.err.awaitLines(t, 3)
	if got := p.err.String(); got != strings.Repeat(words+"\n", 3) {
		t.Errorf("it said %q", got)
	}

	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	start(t, dir, "-u", udp.LocalAddr().String()).ends(1, "", words)
	start(t, dir, "-ul", "127.0.0.1", "0").ends(1, "", words)
	start(t, dir, append([]string{"-d"}, serve(t, "tcp", func(c halfConn) { _, _ = io.WriteString(c, "unread input") })...)...).ends(0, "unread input", "")
}

// Standard output opened for appending keeps what it had.
func TestOutputAppend(t *testing.T) {
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
func TestInputOffset(t *testing.T) {
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

// More than 2 GiB, most of it a hole: the sizes of system calls end before that.
func TestInputLarge(t *testing.T) {
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
