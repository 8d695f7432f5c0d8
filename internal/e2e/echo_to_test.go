package e2e

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// handingOn starts gecho in front of a listener, and returns both ends of a
// connection through it.
func handingOn(t *testing.T, network string, args ...string) (s *echoServer, client, server halfConn) {
	t.Helper()
	address, mine := "127.0.0.1:0", "0"
	if network == "unix" {
		dir := t.TempDir()
		address, mine = filepath.Join(dir, "server"), filepath.Join(dir, "gecho")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	to := l.Addr().String()
	s = gecho(t, 1, append(args, "--to", to, mine)...)
	client = s.dial().(halfConn)
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(limit))
	return s, client, c.(halfConn)
}

// Bulk both ways at once is what it was.
func TestToFlow(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--faults", "both", "--chunk", "60000", "--rate", "1G"}} {
		_, client, server := handingOn(t, "tcp", args...)
		sums := make(chan string, 4)
		for i, c := range []halfConn{client, server} {
			go func() { // ends with the data
				h := sha256.New()
				b := noise(uint64(i), 8<<20)
				h.Write(b)
				sums <- fmt.Sprintf("%x", h.Sum(nil))
				_, _ = c.Write(b)
				_ = c.CloseWrite()
			}()
			go func() { // ends with the connection
				h := sha256.New()
				_, _ = io.Copy(h, c)
				sums <- fmt.Sprintf("%x", h.Sum(nil))
			}()
		}
		count := map[string]int{}
		for range 4 {
			count[<-sums]++
		}
		for sum, n := range count {
			if n != 2 {
				t.Errorf("%s came %d times", sum, n)
			}
		}
	}
}

// Resets are passed on both ways, with a line that names the side.
func TestToResets(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"up", "down"} {
		s, from, to := handingOn(t, "tcp")
		if way == "down" {
			from, to = to, from
		}
		_, _ = io.WriteString(from, "x")
		_, _ = to.Read(make([]byte, 1))
		name := from.LocalAddr().String()
		resetNow(from)
		reset(t, to)
		s.said("receive from " + name + " after 1 byte")
		c := s.dial() // the listener lives
		c.Close()
	}
}

// A target that refuses, or speaks no TLS: one line names the side, the client is
// reset, the listener lives.
func TestToUnreachable(t *testing.T) {
	t.Parallel()
	plain := gecho(t, 1, "0")
	for to, said := range map[string]string{
		"127.0.0.1:1":                        "connect to 127.0.0.1:1: connection refused",
		"tls://" + plain.address[0]:          "TLS with " + plain.address[0],
		filepath.Join(t.TempDir(), "nosuch"): "no such file or directory",
	} {
		s := gecho(t, 1, "--to", to, "0")
		for i := range 2 {
			if err := meets(s.address[0]); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s: the client met %v", to, err)
			}
			s.said(fmt.Sprintf("connection %d from ", i+1))
			s.said(said)
		}
		if got := s.end(syscall.SIGTERM); got != 0 {
			t.Errorf("status %d", got)
		}
	}
}

// TLS on either side: the certificate of the target is verified.
func TestToTLS(t *testing.T) {
	t.Parallel()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	target := gecho(t, 1, "-c", "--tls-ca-out", ca, "0")
	_, port, _ := strings.Cut(target.address[0], ":")
	s := gecho(t, 1, "--to", "tls://localhost:"+port, "--tls-ca", ca, "0")
	start(t, input(t, "hello"), s.address[0]).ends(0, "hello", "")
	s = gecho(t, 1, "-c", "--to", gecho(t, 1, "0").address[0], "0")
	start(t, input(t, "hello"), "-c", "--tls-insecure", s.address[0]).ends(0, "hello", "")
	s = gecho(t, 1, "-c", "--to", "tls://localhost:"+port, "--tls-insecure", "0")
	start(t, input(t, "hello"), "-c", "--tls-insecure", s.address[0]).ends(0, "hello", "")
	s = gecho(t, 1, "--to", "tls://localhost:"+port, "0")
	start(t, input(t, "hello"), s.address[0]).status()
	s.said("unknown authority")
}

// The faults of bytes, in the direction asked for, at exactly the byte; the log says
// which and where.
func TestToFaults(t *testing.T) {
	t.Parallel()
	const size = 10_000
	for _, way := range []string{"down", "up"} {
		for _, how := range []string{"close", "reset", "stall", "half-close", "corrupt"} {
			t.Run(way+" "+how, func(t *testing.T) {
				t.Parallel()
				args := []string{"--faults", way, "--" + how + "-after", fmt.Sprint(size)}
				if how == "corrupt" {
					args = []string{"--faults", way, "--corrupt", "1", "--seed", "1"}
				}
				s, client, server := handingOn(t, "tcp", args...)
				from, to := server, client
				if way == "up" {
					from, to = client, server
				}
				_, _ = io.WriteString(to, "other") // that direction is as it was
				_, _ = io.ReadFull(from, make([]byte, 5))
				data := noise(3, 2*size)
				_, _ = from.Write(data)
				switch how {
				case "corrupt":
					_ = from.CloseWrite()
					if got := rest(t, to); len(got) != len(data) || got == string(data) {
						t.Errorf("%d bytes came, as they were", len(got))
					}
					s.said(", " + way + ", at ")
					return
				case "reset":
					if n := reset(t, to); n > size {
						t.Errorf("%d bytes before the reset", n)
					}
				case "stall":
					got := make([]byte, size)
					if _, err := io.ReadFull(to, got); err != nil {
						t.Fatal(err)
					}
					silent(t, to)
				default:
					if got := rest(t, to); got != string(data[:size]) {
						t.Errorf("%d bytes came", len(got))
					}
				}
				if how == "half-close" || how == "stall" { // the other direction goes on
					_, _ = io.WriteString(to, "more")
					got := make([]byte, 4)
					if _, err := io.ReadFull(from, got); err != nil || string(got) != "more" {
						t.Errorf("got %q, %v", got, err)
					}
				}
				done := map[string]string{"close": "closed", "reset": "reset", "stall": "stalled", "half-close": "half-closed"}[how]
				s.said(fmt.Sprintf("fault: %s after %d bytes, %s, at ", done, size, way))
			})
		}
	}
}

// A reset, at whatever point and in whatever direction, is one for both sides; a fault is
// logged once, before the end of its connection.
func TestToFaultOnce(t *testing.T) {
	t.Parallel()
	for _, faults := range []string{"down", "up", "both"} {
		for _, limit := range []string{"--reset-after 0", "--reset-after 3", "--reset-after 50ms", "--close-after 0", "--close-after 50ms"} {
			t.Run(faults+" "+limit, func(t *testing.T) {
				t.Parallel()
				how, point, _ := strings.Cut(limit, " ")
				side := func(c net.Conn) (err error) {
					if point == "3" {
						_, err = io.WriteString(c, "hello")
					}
					_, read := io.Copy(io.Discard, c)
					return cmp.Or(err, read)
				}
				ends := make(chan error, 2)
				target := serve(t, "tcp", func(c halfConn) { ends <- side(c) })
				s := gecho(t, 1, "-v", "--to", strings.Join(target, ":"), "--faults", faults, how, point, "0")
				c, err := net.Dial("tcp", s.address[0])
				if err == nil {
					err = side(c)
					c.Close()
				}
				ends <- err
				for range 2 {
					if err := <-ends; isReset(err) != (how == "--reset-after") {
						t.Errorf("a side met %v", err)
					}
				}
				s.said("closed connection 1 ")
				s.end(syscall.SIGTERM)
				s.said(" 1 faults\n")
				_, log, _ := strings.Cut(s.err.String(), "fault: ")
				if fault, end := strings.Count(log, "fault: "), strings.Index(log, ": closed connection"); fault != 0 || end < 0 {
					t.Errorf("it said %q", s.err)
				}
			})
		}
	}
}

// The rest of the faults, with --to.
func TestToOtherFaults(t *testing.T) {
	t.Parallel()
	t.Run("delay", func(t *testing.T) {
		t.Parallel()
		_, client, server := handingOn(t, "tcp", "--delay", "2500ms", "-w", "1")
		began := time.Now()
		_, _ = io.WriteString(server, "x")
		_, _ = client.Read(make([]byte, 1))
		if took := time.Since(began); took < 2500*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
	t.Run("on-eof reset", func(t *testing.T) {
		t.Parallel()
		_, client, server := handingOn(t, "tcp", "--on-eof", "reset")
		_ = client.CloseWrite()
		reset(t, client)
		_, _ = io.Copy(io.Discard, server)
	})
	t.Run("reset by time", func(t *testing.T) {
		t.Parallel()
		target := gecho(t, 1, "0")
		s := gecho(t, 1, "--to", target.address[0], "--reset-after", "50ms", "0")
		var clients sync.WaitGroup
		for range 60 { // the relay that ends must not send its FIN first
			clients.Go(func() {
				if err := meets(s.address[0]); !isReset(err) {
					t.Errorf("the client met %v", err)
				}
			})
		}
		clients.Wait()
		s.said("fault: reset after 50ms, down, at ")
	})
	t.Run("fail first", func(t *testing.T) {
		t.Parallel()
		target := gecho(t, 1, "0")
		s := gecho(t, 1, "--to", target.address[0], "--fail-first", "1", "--once", "0")
		rest(t, s.dial())
		c := s.dial()
		talk(t, c, "hello", "hello")
		c.Close()
		if got := s.status(); got != 0 {
			t.Errorf("status %d", got)
		}
	})
	t.Run("no-read", func(t *testing.T) {
		t.Parallel()
		s, client, server := handingOn(t, "tcp", "--no-read")
		_, _ = io.WriteString(client, "x")
		_, _ = io.WriteString(server, "hello")
		got := make([]byte, 5)
		if _, err := io.ReadFull(client, got); err != nil || string(got) != "hello" {
			t.Errorf("got %q, %v", got, err)
		}
		silent(t, server)
		if got := s.end(syscall.SIGTERM); got != 0 || strings.Count(s.err.String(), "reads nothing") != 1 {
			t.Errorf("status %d; it said %q", got, s.err)
		}
	})
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		s, client, server := handingOn(t, "tcp", "-w", "200ms", "--once")
		rest(t, client)
		rest(t, server)
		s.said("no byte moved for 200ms")
		if got := s.status(); got != 0 {
			t.Errorf("status %d", got)
		}
	})
	t.Run("deadline and grace", func(t *testing.T) {
		t.Parallel()
		s, client, server := handingOn(t, "tcp", "--deadline", "200ms")
		rest(t, client)
		rest(t, server)
		s.said("its deadline of 200ms passed")
		s, client, _ = handingOn(t, "tcp", "--grace", "100ms")
		_, _ = io.WriteString(client, "x")
		if got := s.end(syscall.SIGTERM); got != 4 {
			t.Errorf("status %d", got)
		}
		rest(t, client)
	})
}

// Datagrams: each peer has a socket of its own to the target, and the faults of
// datagrams apply.
func TestToDatagrams(t *testing.T) {
	t.Parallel()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	named(t, server)
	to := "udp://" + server.LocalAddr().String()
	s := gecho(t, 1, "--to", to, "udp://127.0.0.1:0")
	one, two := udpClient(t, s.address[0]), udpClient(t, s.address[0])
	first, second := asks(t, one, "first"), asks(t, two, "second")
	if !strings.HasPrefix(first, "first from ") || !strings.HasPrefix(second, "second from ") || first[5:] == second[6:] {
		t.Errorf("got %q and %q", first, second)
	}
	if again := asks(t, one, "again"); again[5:] != first[5:] {
		t.Errorf("got %q after %q", again, first)
	}
	if got := s.end(syscall.SIGTERM); got != 0 {
		t.Errorf("status %d", got)
	}

	s = gecho(t, 1, "--to", to, "--faults", "up", "--duplicate", "1", "udp://127.0.0.1:0")
	c := udpClient(t, s.address[0])
	if a, b := asks(t, c, "x"), receives(t, c); a != b {
		t.Errorf("got %q and %q", a, b)
	}
	s.said("sent datagram 1 twice, up")
	s = gecho(t, 1, "--to", to, "--loss", "1", "udp://127.0.0.1:0")
	c = udpClient(t, s.address[0])
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	s.said("lost datagram 1, down")

	nowhere := "127.0.0.1:" + freePort(t)
	s = gecho(t, 1, "--to", "udp://"+nowhere, "udp://127.0.0.1:0")
	if _, err := udpClient(t, s.address[0]).Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	s.said(": receive from " + nowhere + " after 0 bytes") // the datagram may not be counted as sent yet
	s.said(": connection refused\n")
}

// receives returns the next datagram.
func receives(t *testing.T, c net.Conn) string {
	t.Helper()
	b := make([]byte, 1<<16)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// A connection that is handed on takes two descriptors: the limit of those is never
// reached.
func TestToDescriptors(t *testing.T) {
	t.Parallel()
	target := gecho(t, 1, "0")
	s := gechoCommand(t, 1, exec.Command("sh", "-c", `ulimit -n 40; exec "$0" "$@"`, script.Path("gecho"), "--to", target.address[0], "0"))
	var served []net.Conn
	for range 40 {
		c := s.dial()
		if _, err := io.WriteString(c, "x"); err != nil {
			t.Fatal(err)
		}
		served = append(served, c)
	}
	for _, c := range served { // those that wait are served once others have left
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	if got := s.end(syscall.SIGTERM); got != 0 || s.err.String() != "" {
		t.Errorf("status %d; it said %q", got, s.err)
	}
}

// With --to, a limit of 0 bytes holds for the direction that --faults names, as any
// other does; the other direction goes on.
func TestToAfterZero(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"up", "down"} {
		for _, how := range []string{"stall", "half-close"} {
			t.Run(way+" "+how, func(t *testing.T) {
				t.Parallel()
				s, client, server := handingOn(t, "tcp", "--faults", way, "--"+how+"-after", "0")
				well, ill := server, client
				if way == "up" {
					well, ill = client, server
				}
				_, _ = io.WriteString(well, "lost")
				talk(t, ill, "hello", "")
				got := make([]byte, 5)
				if _, err := io.ReadFull(well, got); err != nil || string(got) != "hello" {
					t.Errorf("got %q, %v", got, err)
				}
				if how == "stall" {
					silent(t, ill)
				} else if got := rest(t, ill); got != "" {
					t.Errorf("got %q", got)
				}
				s.said(" after 0 bytes, " + way)
			})
		}
	}
	s, _, server := handingOn(t, "tcp", "--faults", "up", "--close-after", "0")
	s.said(" after 0 bytes, up")
	if got := rest(t, server); got != "" {
		t.Errorf("got %q", got)
	}
}
