package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// The tests here are about bytes that the kernel moves for us: they must be the
// same bytes, in every state that a shell can leave the descriptors in.

// noise is size bytes that do not repeat, the same in each run.

// fileOf is a file that holds data, opened at its start.
func fileOf(t *testing.T, data []byte) *os.File { return input(t, string(data)) }

// collect is a peer that reads everything and answers with its hash.
func collect(c halfConn) {
	h := sha256.New()
	n, _ := io.Copy(h, c)
	_, _ = fmt.Fprintf(c, "%d %x", n, h.Sum(nil))
}

// summary is what collect answers.
func summary(data []byte) string { return fmt.Sprintf("%d %x", len(data), sha256.Sum256(data)) }

// A standard input that another process has read from before us is sent from there on,
// and its offset stands at the end afterwards.
func TestKernelInputOffset(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		data := noise(1, 3<<20)
		f := fileOf(t, data)
		if _, err := f.Seek(1_000_003, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		start(t, f, serve(t, network, collect)...).ends(0, summary(data[1_000_003:]), "")
		if at, _ := f.Seek(0, io.SeekCurrent); at != int64(len(data)) {
			t.Errorf("the offset is left at %d of %d", at, len(data))
		}
	})
}

// A file that grows while it is sent is sent to its end of then; one in /proc,
// whose size is 0, whole.
func TestKernelInputOfNoSize(t *testing.T) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		t.Skip(err) // only Linux has it
	}
	defer f.Close()
	p := start(t, f, serve(t, "tcp", collect)...)
	if got := p.status(); got != 0 || strings.HasPrefix(p.out.String(), "0 ") {
		t.Errorf("status %d, sent %s; it said %q", got, p.out, p.err)
	}
}

// What comes through pipes on both sides, in writes of all sizes, goes both ways
// at once and stays whole: copies, splices and the changes between them.
func TestKernelPipes(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		data := noise(1, 20<<20)
		got := make(chan string, 1)
		at := serve(t, network, func(c halfConn) {
			sum := make(chan string, 1)
			go func() {
				h := sha256.New()
				n, _ := io.Copy(h, c)
				sum <- fmt.Sprintf("%d %x", n, h.Sum(nil))
			}()
			ragged(c, data)
			_ = c.CloseWrite()
			got <- <-sum
		})
		stdin, hold := pipe(t)
		p := start(t, stdin, at...)
		stdin.Close()
		go func() {
			ragged(hold, data)
			hold.Close()
		}()
		if status := p.status(); status != 0 || p.out.String() != string(data) {
			t.Errorf("status %d, %d bytes of %d came; it said %q", status, len(p.out.String()), len(data), p.err)
		}
		if g := <-got; g != summary(data) {
			t.Errorf("the peer got %s, want %s", g, summary(data))
		}
	})
}

// ragged writes data in pieces from one byte to a megabyte.
func ragged(w io.Writer, data []byte) {
	r := rand.New(rand.NewPCG(1, 2))
	for len(data) > 0 {
		n := min(len(data), 1+r.IntN(1<<(1+r.IntN(20))))
		if _, err := w.Write(data[:n]); err != nil {
			return
		}
		data = data[n:]
	}
}

// The outputs that a shell can redirect to.
func TestKernelOutputs(t *testing.T) {
	data := noise(1, 5<<20)
	for _, c := range []struct {
		name string
		flag int
		old  string
	}{
		{"file", os.O_CREATE | os.O_WRONLY | os.O_TRUNC, ""},
		{"append", os.O_CREATE | os.O_WRONLY | os.O_APPEND, "before"},
		{"readwrite", os.O_CREATE | os.O_RDWR, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "out")
			if err := os.WriteFile(path, []byte(c.old), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(path, c.flag, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			cmd := gcatCmd(serve(t, "tcp", func(c halfConn) { _, _ = c.Write(data) })...)
			cmd.Stdout = f
			launch(t, cmd).ends(0, "", "")
			got, _ := os.ReadFile(path)
			if !bytes.Equal(got, append([]byte(c.old), data...)) {
				t.Errorf("%d bytes in the file, want %d", len(got), len(c.old)+len(data))
			}
		})
	}
	t.Run("null", func(t *testing.T) {
		t.Parallel()
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer null.Close()
		cmd := gcatCmd(append([]string{"-v"}, serve(t, "tcp", func(c halfConn) { _, _ = c.Write(data) })...)...)
		cmd.Stdout = null
		p := launch(t, cmd)
		if got := p.status(); got != 0 {
			t.Errorf("status %d", got)
		}
		if want := fmt.Sprintf("received %d in", len(data)); !strings.Contains(p.err.String(), want) {
			t.Errorf("it said %q, want %q", p.err, want)
		}
	})
}

// An idle limit sees what the kernel moves: a reader slower than the limit for
// the whole, but never silent for as long.
func TestKernelIdle(t *testing.T) {
	for _, from := range []string{"file", "pipe"} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			data := noise(1, 4<<20)
			at := serve(t, "tcp", func(c halfConn) {
				h := sha256.New()
				n := int64(0)
				for {
					m, err := io.CopyN(h, c, 256<<10)
					if n += m; err != nil {
						break
					}
					time.Sleep(150 * time.Millisecond) // 16 times: longer than the limit
				}
				_, _ = fmt.Fprintf(c, "%d %x", n, h.Sum(nil))
			})
			stdin := fileOf(t, data)
			if from == "pipe" {
				r, w := pipe(t)
				go func() {
					_, _ = w.Write(data)
					w.Close()
				}()
				stdin = r
			}
			start(t, stdin, append([]string{"-w1.5"}, at...)...).ends(0, summary(data), "")
		})
	}
}

// What is wrapped around the bytes goes without the kernel's ways, and no one can
// tell.
func TestKernelWrapped(t *testing.T) {
	data := noise(1, 2<<20)
	for _, flags := range [][]string{{"-o", "dump"}, {"--rate", "1G"}, {"-t"}} {
		t.Run(flags[0], func(t *testing.T) {
			t.Parallel()
			plain := data
			if flags[0] == "-t" {
				plain = bytes.ReplaceAll(data, []byte{0xff}, []byte{0})
			}
			cmd := gcatCmd(append(flags, serve(t, "tcp", collect)...)...)
			cmd.Stdin = fileOf(t, plain)
			cmd.Dir = t.TempDir()
			launch(t, cmd).ends(0, summary(plain), "")
		})
	}
}

// A call that a signal interrupts is called again.
func TestKernelInterrupted(t *testing.T) {
	strace := script.Peer(t, "strace")
	data := noise(1, 1<<20)
	for _, c := range []struct{ call, from string }{
		{"read", "pipe"}, {"splice", "pipe"}, {"splice", "file"}, {"poll", "pipe"}, {"write", "pipe"},
	} {
		t.Run(c.call+" from a "+c.from, func(t *testing.T) {
			t.Parallel()
			call := c.call
			r := fileOf(t, data)
			if c.from == "pipe" {
				read, w := pipe(t)
				r = read
				go func() {
					_, _ = w.Write(data)
					w.Close()
				}()
			}
			at := serve(t, "tcp", collect)
			cmd := exec.Command(strace, append([]string{"-f", "-qq", "-o", os.DevNull, "-e", "trace=" + call,
				"-e", "inject=" + call + ":error=EINTR:when=3+7", script.Path("gcat")}, at...)...)
			cmd.Stdin = r
			p := launch(t, cmd)
			p.ends(0, summary(data), "")
		})
	}
}

// With -Q 0 the peer's end ends the sending of a file, too: what has left the
// file by then arrives, and no more has left it.
func TestKernelFileStopped(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		f := fileOf(t, noise(1, 64<<20))
		var got int64
		done := make(chan struct{})
		at := serve(t, network, func(c halfConn) {
			defer close(done)
			_, _ = io.CopyN(io.Discard, c, 1<<20) // it is on its way
			_ = c.CloseWrite()
			n, _ := io.Copy(io.Discard, c)
			got = n + 1<<20
		})
		start(t, f, append([]string{"-Q", "0"}, at...)...).ends(0, "", "")
		<-done
		if at, _ := f.Seek(0, io.SeekCurrent); at != got {
			t.Errorf("%d bytes have left the file, and %d arrived", at, got)
		}
	})
}

// A rate holds where the kernel moves the bytes (from 50M on) as where they are
// copied, and they are the same bytes. That it is reached is measured elsewhere: a
// busy machine is too slow for that.
func TestKernelRate(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		data := noise(7, 8<<20)
		for _, rate := range []string{"20M", "60M"} {
			for _, from := range []string{"file", "pipe"} {
				var stdin *os.File
				if from == "file" {
					stdin = fileOf(t, data)
				} else {
					r, w, err := os.Pipe()
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { r.Close() })
					go func() { // ends when gcat has read it all
						_, _ = w.Write(data)
						w.Close()
					}()
					stdin = r
				}
				began := time.Now()
				start(t, stdin, append([]string{"--rate", rate}, serve(t, network, collect)...)...).ends(0, summary(data), "")
				least := map[string]time.Duration{"20M": 300 * time.Millisecond, "60M": 100 * time.Millisecond}[rate]
				if took := time.Since(began); took < least {
					t.Errorf("%s at %s: 8 MiB took %v", from, rate, took)
				}
			}
		}
	})
}
