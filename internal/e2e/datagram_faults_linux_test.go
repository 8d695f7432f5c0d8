package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// gramPeer is a Unix datagram socket of the test's, in a new directory.
func gramPeer(t *testing.T) (c *net.UnixConn, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "peer")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(limit))
	return c, path
}

// gram reads a datagram, and returns who sent it.
func gram(t *testing.T, c *net.UnixConn, want string) *net.UnixAddr {
	t.Helper()
	buf := make([]byte, 1<<16)
	n, from, err := c.ReadFromUnix(buf)
	if err != nil || string(buf[:n]) != want {
		t.Fatalf("%q came, %v, want %q", buf[:n], err, want)
	}
	return from
}

// gramListener starts gcat as a listener on a Unix datagram socket.
func gramListener(t *testing.T, stdin *os.File, args ...string) (p *proc, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "sock")
	ready := filepath.Join(t.TempDir(), "ready")
	cmd := gcatCmd(append(args, "-uUl", "--ready", ready, path)...)
	if stdin != nil {
		cmd.Stdin = stdin
	}
	p = launch(t, cmd)
	awaitFile(t, ready)
	return p, path
}

// The peer's socket is gone, in each of the ways: before the first word, before
// an answer, and behind one.
func TestUnixgramGone(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	start(t, nil, "-uU", missing).ends(3, "", "connect to "+missing+": no such file or directory")

	c, path := gramPeer(t)
	left := path + "2"
	if err := os.Link(path, left); err != nil {
		t.Fatal(err)
	}
	c.Close()
	start(t, nil, "-uU", left).ends(3, "", "connect to "+left+": connection refused")

	for _, answer := range []string{"", "answer"} {
		c, path := gramPeer(t)
		stdin, hold := pipe(t)
		p := start(t, stdin, "-uU", path)
		_, _ = io.WriteString(hold, "question")
		from := gram(t, c, "question")
		if answer != "" {
			_, _ = c.WriteToUnix([]byte(answer), from)
			p.out.await(t, answer)
		}
		c.Close()
		sayUntilItEnds(p, hold, "more")
		status := 3
		if answer != "" {
			status = 5
		}
		p.ends(status, answer, fmt.Sprintf("receive from %s after %d bytes, ", path, len(answer)))
		p.says(" bytes not sent: connection refused")
	}
}

// sayUntilItEnds has a peer that is gone written to again and again: a process
// that another test is just starting may hold the peer's socket for a moment.
func sayUntilItEnds(p *proc, stdin io.Writer, text string) {
	for {
		_, _ = io.WriteString(stdin, text)
		select {
		case <-p.done:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// A listener whose peer is gone hears others on; what it could not send decides
// its status, unless it is to stay for all peers.
func TestUnixgramPeerGone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flags  []string
		status int
		words  string
	}{
		{nil, 5, " after 6 bytes, 6 of them not delivered: no such file or directory\n"},
		{[]string{"-k"}, 4, ": no such file or directory\n"},
	} {
		stdin, hold := pipe(t)
		p, path := gramListener(t, stdin, append(c.flags, "-w1")...)
		peer, own := gramPeer(t)
		to := &net.UnixAddr{Name: path, Net: "unixgram"}
		_, _ = peer.WriteToUnix([]byte("question"), to)
		p.out.await(t, "question")
		peer.Close()
		_ = os.Remove(own)
		_, _ = io.WriteString(hold, "answer")
		if got := p.status(); got != c.status {
			t.Errorf("%v: status %d, want %d", c.flags, got, c.status)
		}
		if got := p.err.String(); !strings.HasPrefix(got, "gcat: send to "+own+c.words) {
			t.Errorf("%v: it said %q", c.flags, got)
		}
		if got := p.out.String(); got != "question" {
			t.Errorf("%v: standard output is %q", c.flags, got)
		}
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%v: the socket is left behind", c.flags)
		}
	}
}

// The time that a process has spent, in clock ticks of 10 ms (proc(5)).
func ticksOf(t *testing.T, p *proc) (ticks int) {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')'):]))
	for _, f := range fields[12:14] {
		n, _ := strconv.Atoi(f)
		ticks += n
	}
	return ticks
}

// A peer that does not read, so that its queue is full: gcat waits without
// spending any time, -w ends it, and what was sent is there, whole and in order;
// once the peer reads, everything arrives.
func TestUnixgramFull(t *testing.T) {
	const n, size = 200, 1000 // more than a queue takes (unix(7), max_dgram_qlen)
	var text strings.Builder
	for i := range n {
		text.Write(record(i, size))
	}
	for _, reads := range []bool{true, false} {
		t.Run(fmt.Sprintf("reads %v", reads), func(t *testing.T) {
			t.Parallel()
			c, path := gramPeer(t)
			flags := []string{"-uU", "-q0", "--datagram-size", strconv.Itoa(size), path}
			if !reads {
				flags = append(flags, "-w1")
			}
			p := start(t, input(t, text.String()), flags...)
			if reads {
				time.Sleep(time.Second) // of waiting
				if ticks := ticksOf(t, p); ticks > 20 {
					t.Errorf("it spent %d ticks on waiting", ticks)
				}
			} else {
				p.ends(4, "", "no byte moved for 1s (idle limit); ")
				_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // all is there
			}
			var got []int
			buf := make([]byte, 1<<16)
			for len(got) < n {
				m, err := c.Read(buf)
				if err != nil {
					break
				}
				number, err := numberOf(buf[:m])
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, number)
			}
			if reads {
				p.ends(0, "", "")
			} else { // of what one read brings
				p.says(fmt.Sprintf("%d bytes not sent", 64<<10-len(got)*size))
			}
			if want := upTo(len(got)); len(got) == 0 || fmt.Sprint(got) != fmt.Sprint(want) || (len(got) == n) != reads {
				t.Errorf("%v arrived", got)
			}
		})
	}
}

// A datagram that the socket cannot take at all is an error, and not a part.
func TestUnixgramTooLong(t *testing.T) {
	t.Parallel()
	c, path := gramPeer(t)
	start(t, input(t, flowText(61, 60_000)), "-uU", "--sndbuf", "4K", path).ends(1, "", "send a datagram of 60000 bytes: message too long")
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1<<16)); err == nil {
		t.Errorf("%d bytes of it were sent", n)
	}
}

// A send that fails for another reason (no buffers, a filter's veto, no route any
// more) ends a client: nothing is sent behind the gap, and the line says how much
// was not.
func TestDatagramSend(t *testing.T) {
	t.Parallel()
	trace := script.Peer(t, "strace")
	for errno, words := range map[string]string{
		"ENOBUFS":     "no buffer space available",
		"ENOMEM":      "cannot allocate memory",
		"EPERM":       "operation not permitted",
		"ENETUNREACH": "network is unreachable",
	} {
		for _, network := range []string{"udp", "unixgram"} {
			t.Run(errno+" "+network, func(t *testing.T) {
				t.Parallel()
				stdin, hold := pipe(t)
				var c net.PacketConn
				var p *proc
				if network == "udp" {
					var err error
					if c, err = net.ListenPacket("udp4", "127.0.0.1:0"); err != nil {
						t.Fatal(err)
					}
					defer c.Close()
					_ = c.SetDeadline(time.Now().Add(limit))
					p = start(t, stdin, "-u", "--lines", c.LocalAddr().String())
				} else {
					var path string
					c, path = gramPeer(t)
					p = start(t, stdin, "-uU", "--lines", path)
				}
				_, _ = io.WriteString(hold, "1\n")
				buf := make([]byte, 100)
				if n, _, err := c.ReadFrom(buf); err != nil || string(buf[:n]) != "1\n" {
					t.Fatalf("%q came, %v", buf[:n], err)
				}
				// The runtime wakes its poller by a write, too, which must not fail.
				tracer := launch(t, exec.Command(trace, "-f", "-o", "/dev/null", "-P", socketOf(t, p), "-e", "inject=write,sendmsg:error="+errno+":when=1",
					"-p", strconv.Itoa(p.cmd.Process.Pid)))
				tracer.err.await(t, "attached")
				_, _ = io.WriteString(hold, "2\n3\n")
				if got := p.status(); got != 3 {
					t.Errorf("status %d, want 3", got)
				}
				p.says(" of them not delivered: " + words)
				_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond)) // all is there
				if n, _, err := c.ReadFrom(buf); err == nil {
					t.Errorf("%q was sent behind the gap", buf[:n])
				}
			})
		}
	}
}

// socketOf names the one socket of a process as strace(1) knows it.
func socketOf(t *testing.T, p *proc) (name string) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd/", p.cmd.Process.Pid)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if to, err := os.Readlink(dir + f.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			return to
		}
	}
	t.Fatal("it has no socket")
	return ""
}

// A listener that is to stay says what it could not send, and stays.
func TestDatagramSendKeep(t *testing.T) {
	t.Parallel()
	ready := filepath.Join(t.TempDir(), "ready")
	stdin, hold := pipe(t)
	cmd := gcatCmd("-ulk", "--lines", "--ready", ready, "127.0.0.1", "0")
	cmd.Stdin = stdin
	p := injected(t, cmd, "sendmsg:error=ENOBUFS:when=1")
	c, err := net.Dial("udp4", awaitFile(t, ready))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(limit))
	_, _ = io.WriteString(c, "question")
	p.out.await(t, "question")
	_, _ = io.WriteString(hold, "one\n")
	p.err.await(t, "send to "+c.LocalAddr().String()+": no buffer space available\n")
	for range 50 { // strace counts for each thread
		_, _ = io.WriteString(hold, "two\n")
	}
	buf := make([]byte, 100)
	if n, err := c.Read(buf); err != nil || string(buf[:n]) != "two\n" {
		t.Errorf("%q came, %v", buf[:n], err)
	}
}

// Datagrams come, and standard output is full, or nobody reads it any more: the
// status is that of any other conversation.
func TestDatagramOutput(t *testing.T) {
	for _, role := range []string{"udp client", "udp listener", "unix client", "unix listener"} {
		for _, fault := range []string{"full", "gone", "gone in silence"} {
			t.Run(role+" "+fault, func(t *testing.T) {
				t.Parallel()
				r, out := pipe(t)
				status, words := 128+int(syscall.SIGPIPE), ""
				if fault == "full" {
					var err error
					if out, err = os.OpenFile("/dev/full", os.O_WRONLY, 0); err != nil {
						t.Fatal(err)
					}
					defer out.Close()
					status, words = 1, "gcat: standard output: no space left on device"
				}
				stdin, hold := pipe(t)
				ready := filepath.Join(t.TempDir(), "ready")
				path := filepath.Join(t.TempDir(), "sock")
				var args []string
				var c net.PacketConn
				switch role {
				case "udp client":
					var err error
					if c, err = net.ListenPacket("udp4", "127.0.0.1:0"); err != nil {
						t.Fatal(err)
					}
					defer c.Close()
					args = []string{"-u", c.LocalAddr().String()}
				case "unix client":
					c, path = gramPeer(t)
					args = []string{"-uU", path}
				case "udp listener":
					args = []string{"-ul", "--ready", ready, "127.0.0.1", "0"}
				case "unix listener":
					args = []string{"-uUl", "--ready", ready, path}
				}
				cmd := gcatCmd(args...)
				cmd.Stdin, cmd.Stdout = stdin, out
				p := launch(t, cmd)
				out.Close()
				var say func(string)
				if c != nil {
					_, _ = io.WriteString(hold, "question")
					_ = c.SetDeadline(time.Now().Add(limit))
					_, from, err := c.ReadFrom(make([]byte, 100))
					if err != nil {
						t.Fatal(err)
					}
					say = func(text string) { _, _ = c.WriteTo([]byte(text), from) }
				} else {
					at := awaitFile(t, ready)
					network := "udp4"
					if strings.HasPrefix(role, "unix") {
						network, at = "unixgram", path
					}
					d, err := net.Dial(network, at)
					if err != nil {
						t.Fatal(err)
					}
					defer d.Close()
					say = func(text string) { _, _ = io.WriteString(d, text) }
				}
				if fault == "gone" {
					say("first")
					_, _ = io.ReadFull(r, make([]byte, 5))
				}
				r.Close()
				if fault != "gone in silence" {
					say("second")
				}
				p.ends(status, "", words)
			})
		}
	}
}

// Signals in the middle end gcat silently; what was written out is whole
// datagrams, and no socket file stays.
func TestDatagramSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		for _, network := range []string{"udp", "unixgram"} {
			for _, role := range []string{"client", "listener"} {
				t.Run(sig.String()+" "+network+" "+role, func(t *testing.T) {
					t.Parallel()
					stdin, hold := pipe(t)
					own := filepath.Join(t.TempDir(), "own")
					var p *proc
					var say func([]byte) error
					switch network + " " + role {
					case "udp client":
						c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
						if err != nil {
							t.Fatal(err)
						}
						defer c.Close()
						_ = c.SetDeadline(time.Now().Add(limit))
						p = start(t, stdin, "-u", c.LocalAddr().String())
						_, _ = io.WriteString(hold, "hello")
						from := heardFrom(t, c, "hello")
						say = func(b []byte) error { _, err := c.WriteToUDP(b, from); return err }
					case "unixgram client":
						c, path := gramPeer(t)
						p = start(t, stdin, "-uU", "-s", own, path)
						_, _ = io.WriteString(hold, "hello")
						from := gram(t, c, "hello")
						say = func(b []byte) error { _, err := c.WriteToUnix(b, from); return err }
					case "udp listener":
						ready := filepath.Join(t.TempDir(), "ready")
						p = start(t, stdin, "-ul", "--ready", ready, "127.0.0.1", "0")
						c, err := net.Dial("udp4", awaitFile(t, ready))
						if err != nil {
							t.Fatal(err)
						}
						defer c.Close()
						say = func(b []byte) error { _, err := c.Write(b); return err }
					case "unixgram listener":
						p, own = gramListener(t, stdin)
						c, err := net.Dial("unixgram", own)
						if err != nil {
							t.Fatal(err)
						}
						defer c.Close()
						_ = c.SetDeadline(time.Now().Add(limit))
						say = func(b []byte) error { _, err := c.Write(b); return err }
					}
					go func() { // ends with gcat
						for i := 0; say(record(i, 900)) == nil; i++ {
							if i%20 == 0 {
								time.Sleep(time.Millisecond) // or all others starve
							}
						}
					}()
					awaitAtLeast(t, p.out, 200_000)
					_ = p.cmd.Process.Signal(sig)
					if got := p.status(); got != 128+int(sig) {
						t.Errorf("status %d, want %d", got, 128+int(sig))
					}
					if text := p.err.String(); text != "" && !strings.Contains(text, " dropped, the receive buffer was full") {
						t.Errorf("it said %q", text)
					}
					numbersIn(t, p.out.String()) // they are whole
					if _, err := os.Lstat(own); err == nil {
						t.Error("its socket is left behind")
					}
				})
			}
		}
	}
}
