package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// silent expects that nothing comes for a moment, and no end either.
func silent(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	n, err := c.Read(make([]byte, 1))
	if n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read %d bytes, %v; want silence", n, err)
	}
	_ = c.SetReadDeadline(time.Now().Add(limit))
}

// reset expects ECONNRESET, after what may still come.
func reset(t *testing.T, c net.Conn) (before int) {
	t.Helper()
	n, err := io.Copy(io.Discard, c)
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("read %d bytes, then %v; want a reset", n, err)
	}
	return int(n)
}

// 0 is at once, without a byte from either side.
func TestAfterZero(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"close", "reset", "stall", "half-close"} {
		for _, service := range []string{"echo", "discard", "source"} {
			t.Run(how+" "+service, func(t *testing.T) {
				t.Parallel()
				s := gecho(t, 1, "--"+how+"-after", "0", "--greeting", "hi", "--service", service, "0")
				c, err := net.DialTimeout("tcp", s.address[0], limit)
				if how == "reset" && errors.Is(err, syscall.ECONNRESET) {
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				switch how {
				case "reset":
					reset(t, c)
				case "stall":
					silent(t, c)
				default:
					if got := rest(t, c); got != "" {
						t.Errorf("got %q", got)
					}
				}
			})
		}
	}
}

// A pause ends with its client; one that has reset the connection, or a Unix one
// that has closed it, is known to have left.
func TestPauseEnds(t *testing.T) {
	t.Parallel()
	unix := t.TempDir() + "/s"
	for _, args := range [][]string{
		{"--delay", "1h", "0"}, {"--delay", "1h", unix}, {"--rate", "1", "0"}, {"--service", "source", "--delay", "1h", "0"}, {"--stall-after", "0", "0"},
	} {
		s := gecho(t, 1, append([]string{"--once"}, args...)...)
		c := s.dial()
		if _, err := io.WriteString(c, strings.Repeat("x", 10_000)); err != nil {
			t.Fatal(err)
		}
		if args[0] != "--rate" {
			s.said("fault: ")
		}
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		c.Close()
		if got := s.status(); got != 0 {
			t.Errorf("%v: status %d", args, got)
		}
	}
}

// A peer that closes in order during a pause has left; it has reset nothing.
func TestPauseLeft(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--delay", "1h", t.TempDir() + "/s"}, {"--on-eof", "hold", t.TempDir() + "/s"}, {"--stall-after", "3", "--half-close-after", "50ms", "0"},
	} {
		s := gecho(t, 1, append([]string{"-v", "--once"}, args...)...)
		c := s.dial()
		if _, err := io.WriteString(c, "hello"); err != nil {
			t.Fatal(err)
		}
		if tcp, ok := c.(*net.TCPConn); ok {
			if got := rest(t, tcp); got != "hel" {
				t.Errorf("got %q", got)
			}
		} else if args[0] == "--delay" {
			s.said("fault: delayed")
		} else if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
			t.Error(err)
		}
		c.Close()
		if got, said := s.status(), s.err.String(); got != 0 || !strings.Contains(said, ": the peer has left\n") || !strings.Contains(said, "ended by peer") {
			t.Errorf("%v: status %d; it said %s", args, got, said)
		}
	}
}

// An answer, then the end: a server for curl.
func TestCloseAfterReply(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "--once", "--close-after-reply", "--reply", `HTTP/1.0 200 OK\r\n\r\nhello\n`, "0")
	out, err := exec.Command(script.Peer(t, "curl"), "-sS", "http://"+s.address[0]+"/").CombinedOutput()
	if err != nil || string(out) != "hello\n" {
		t.Errorf("%v: %q", err, out)
	}
	if got := s.status(); got != 0 {
		t.Errorf("status %d", got)
	}
	s = gecho(t, 1, "--close-after-reply", "--lines", "--suffix", "!", "0")
	c := s.dial()
	if _, err := io.WriteString(c, "one\ntwo\n"); err != nil {
		t.Fatal(err)
	}
	if got := rest(t, c); got != "one\n!" {
		t.Errorf("got %q", got)
	}
}

// No client gets in: the kernel answers no SYN when the backlog is full.
func TestNoAccept(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "--no-accept", "0")
	c, err := net.DialTimeout("tcp", s.address[0], 300*time.Millisecond)
	if err == nil {
		c.Close()
		t.Fatal("it was accepted")
	}
	if ne, ok := errors.AsType[net.Error](err); !ok || !ne.Timeout() {
		t.Errorf("%v; want a timeout", err)
	}
	if got := s.end(syscall.SIGTERM); got != 0 {
		t.Errorf("status %d", got)
	}
}

func TestNoRead(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "--no-read", "-w", "100ms", "0")
	c := s.dial()
	_ = c.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
	block := make([]byte, 1<<20)
	for {
		if _, err := c.Write(block); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("%v; want a write timeout", err)
			}
			return
		}
	}
}

func TestOnEOF(t *testing.T) {
	t.Parallel()
	for how, check := range map[string]func(*testing.T, net.Conn){
		"close": func(t *testing.T, c net.Conn) { rest(t, c) },
		"reset": func(t *testing.T, c net.Conn) { reset(t, c) },
		"hold":  silent,
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := gecho(t, 1, "--on-eof", how, "0")
			c := s.dial()
			talk(t, c, "hello", "hello")
			_ = c.(*net.TCPConn).CloseWrite()
			check(t, c)
		})
	}
}

// What ends the sending after so many bytes, not one more or less.
func TestAfter(t *testing.T) {
	t.Parallel()
	const size = 10_000
	for _, service := range []string{"echo", "source:50000"} {
		for _, how := range []string{"close", "reset", "stall", "half-close"} {
			t.Run(service+" "+how, func(t *testing.T) {
				t.Parallel()
				delay := "20ms"
				if how == "reset" {
					delay = "300ms" // connect(2) would return a reset that comes at once
				}
				s := gecho(t, 1, "--service", service, "--"+how+"-after", "10000", "--delay", delay, "0")
				c := s.dial()
				if service == "echo" {
					_, _ = c.Write(noise(3, 20_000))
				}
				if how == "reset" { // what had not been read by then is lost with it
					if n := reset(t, c); n > size {
						t.Errorf("%d bytes before the reset", n)
					}
					s.said("fault: reset after 10000 bytes")
					return
				}
				got := make([]byte, size)
				if _, err := io.ReadFull(c, got); err != nil {
					t.Fatal(err)
				}
				switch how {
				case "stall":
					silent(t, c)
				case "half-close":
					if more := rest(t, c); more != "" {
						t.Errorf("%d bytes more", len(more))
					}
					// It goes on reading: this is more than all buffers hold.
					if _, err := c.Write(make([]byte, 32<<20)); err != nil {
						t.Errorf("write after the half-close: %v", err)
					}
				default:
					if more := rest(t, c); more != "" {
						t.Errorf("%d bytes more", len(more))
					}
				}
			})
		}
	}
}

// The same seed gives the same faults, and the log tells them.
func TestSeed(t *testing.T) {
	t.Parallel()
	run := func(seed string) (answers []string, log string) {
		s := gecho(t, 1, "--seed", seed, "--corrupt", "0.4", "--delay", "0-2ms", "--fault-rate", "0.7", "0")
		for range 8 {
			c := s.dial()
			for range 4 {
				if _, err := c.Write([]byte{0, 0, 0}); err != nil {
					t.Fatal(err)
				}
				got := make([]byte, 3)
				if _, err := io.ReadFull(c, got); err != nil {
					t.Fatal(err)
				}
				answers = append(answers, string(got))
			}
			c.Close()
		}
		if got := s.end(syscall.SIGTERM); got != 0 {
			t.Errorf("status %d", got)
		}
		return answers, regexp.MustCompile(`from \S+`).ReplaceAllString(s.err.String(), "")
	}
	one, oneLog := run("7")
	two, twoLog := run("7")
	other, _ := run("8")
	if !slices.Equal(one, two) || oneLog != twoLog {
		t.Errorf("the same seed: %q and %q\n%s\n%s", one, two, oneLog, twoLog)
	}
	if slices.Equal(one, other) {
		t.Errorf("another seed gave the same faults")
	}
	flipped := 0
	for _, answer := range one {
		if answer != "\x00\x00\x00" {
			flipped++
		}
	}
	if flipped == 0 || strings.Count(oneLog, "flipped bit") != flipped {
		t.Errorf("%d answers were changed; the log says\n%s", flipped, oneLog)
	}
}

// A flipped bit is one that is sent, also where the sending ends within the reply.
func TestFlipIsSent(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "--corrupt", "1", "--close-after", "5", "--seed", "7", "0")
	c := s.dial()
	if _, err := c.Write(make([]byte, 200)); err != nil {
		t.Fatal(err)
	}
	if got := rest(t, c); len(got) != 5 || got == "\x00\x00\x00\x00\x00" {
		t.Errorf("got %q", got)
	}
}

// The log names a Unix client that has a name.
func TestUnixClientName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i, args := range [][]string{nil, {"--lines"}} {
		s := gecho(t, 1, append(args, "-v", fmt.Sprintf("%s/server%d", dir, i))...)
		me := fmt.Sprintf("%s/me%d", dir, i)
		c, err := net.DialUnix("unix", &net.UnixAddr{Name: me}, &net.UnixAddr{Name: fmt.Sprintf("%s/server%d", dir, i)})
		if err != nil {
			t.Fatal(err)
		}
		talk(t, c, "x\n", "x\n")
		c.Close()
		s.said(fmt.Sprintf("accepted connection 1 from %q", me))
		s.said(fmt.Sprintf("closed connection 1 from %q", me))
	}
	s := gecho(t, 1, "--log", "json", dir+"/server")
	c, err := net.DialUnix("unix", &net.UnixAddr{Name: dir + "/me"}, &net.UnixAddr{Name: dir + "/server"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s.said(fmt.Sprintf(`"remote":%q`, dir+"/me"))
}

// Pauses of gecho's own are not idleness.
func TestDelayIsNotIdle(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "-w", "100ms", "--delay", "400ms", "0")
	c := s.dial()
	began := time.Now()
	talk(t, c, "x", "x")
	if d := time.Since(began); d < 400*time.Millisecond {
		t.Errorf("answered after %v", d)
	}
}

// A rate leaves a message whole.
func TestRateMessage(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "--rate", "3", "unixpacket://"+t.TempDir()+"/s")
	c := dialTest(t, "unixpacket", s.address[0])
	got := make([]byte, 10)
	for _, text := range []string{"abc", "de"} {
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(got); err != nil || string(got[:n]) != text {
			t.Fatalf("got %q, %v", got[:n], err)
		}
	}
}

func TestRateAndChunk(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "--rate", "10000", "0")
	c := s.dial()
	began := time.Now()
	text := strings.Repeat("x", 4000)
	talk(t, c, text, text)
	if d := time.Since(began); d < 300*time.Millisecond {
		t.Errorf("4000 bytes at 10000 a second took %v", d)
	}
	s = gecho(t, 1, "--chunk", "3", "0")
	c = s.dial()
	_, _ = io.WriteString(c, "0123456789")
	b := make([]byte, 10)
	if n, err := c.Read(b); err != nil || n%3 != 0 && n != 10 {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

func TestDatagramFaults(t *testing.T) {
	t.Parallel()
	ask := func(t *testing.T, args ...string) (got []string, s *echoServer) {
		s = gecho(t, 1, append(args, "--seed", "1", "udp://127.0.0.1:0")...)
		c, err := net.Dial("udp", s.address[0])
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for i := range 10 {
			if _, err := c.Write([]byte{byte('0' + i)}); err != nil {
				t.Fatal(err)
			}
		}
		buf := make([]byte, 100)
		_ = c.SetReadDeadline(time.Now().Add(1500 * time.Millisecond))
		for {
			n, err := c.Read(buf)
			if err != nil {
				return got, s
			}
			got = append(got, string(buf[:n]))
		}
	}
	t.Run("loss", func(t *testing.T) {
		t.Parallel()
		got, s := ask(t, "--loss", "0.5")
		if lost := strings.Count(s.err.String(), "lost datagram"); lost == 0 || lost+len(got) != 10 {
			t.Errorf("%d lost, got %q", lost, got)
		}
	})
	t.Run("duplicate", func(t *testing.T) {
		t.Parallel()
		got, s := ask(t, "--duplicate", "50%")
		if twice := strings.Count(s.err.String(), "twice"); twice == 0 || len(got) != 10+twice {
			t.Errorf("%d twice, got %q", twice, got)
		}
	})
	t.Run("duplicate, reorder", func(t *testing.T) {
		t.Parallel()
		got, s := ask(t, "--duplicate", "100%", "--reorder", "0.5")
		if len(got) != 20 {
			t.Errorf("got %q; it said %s", got, s.err)
		}
	})
	t.Run("reorder", func(t *testing.T) {
		t.Parallel()
		got, _ := ask(t, "--reorder", "0.5")
		sorted := slices.Sorted(slices.Values(got))
		if len(got) != 10 || slices.Equal(got, sorted) {
			t.Errorf("got %q", got)
		}
	})
	t.Run("delay", func(t *testing.T) {
		t.Parallel()
		got, _ := ask(t, "--delay", "50ms")
		if strings.Join(got, "") != "0123456789" {
			t.Errorf("got %q", got)
		}
	})
}
