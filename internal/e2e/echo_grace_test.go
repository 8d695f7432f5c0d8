//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"syscall"
	"testing"
	"time"
)

// SIGTERM: connections may finish within --grace, the rest are closed in order.
func TestGrace(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, args ...string) {
		s := gecho(t, 1, append(args, "--grace", "400ms", "--farewell", "bye", "-v", "0")...)
		c := s.dial()
		talk(t, c, "1\n", "1\n")
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		s.said("no more is accepted")
		talk(t, c, "2\n", "2\n")
		if got := rest(t, c); got != "bye" {
			t.Errorf("got %q", got)
		}
		c.Close()
		if got := s.status(); got != 4 {
			t.Errorf("status %d", got)
		}
		s.said("1 connection did not finish within 400ms and had to be closed")

		s = gecho(t, 1, append(args, "0")...)
		c = s.dial()
		talk(t, c, "1\n", "1\n")
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		c.Close()
		if got := s.status(); got != 0 {
			t.Errorf("all had finished: status %d", got)
		}

		s = gecho(t, 1, append(args, "--grace", "1h", "-v", "0")...)
		c = s.dial()
		talk(t, c, "1\n", "1\n")
		_ = s.cmd.Process.Signal(syscall.SIGINT)
		s.said("no more is accepted")
		if got := s.end(syscall.SIGTERM); got != 4 {
			t.Errorf("a second signal: status %d", got)
		}
	})
}

// There is one grace, which begins with the signal, for delayed replies to datagrams and
// for connections.
func TestGraceOnce(t *testing.T) {
	t.Parallel()
	const grace = 3 * time.Second
	s := gecho(t, 2, "--delay", "1h", "--grace", grace.String(), "0", "udp://127.0.0.1:0")
	s.dial()
	_, _ = io.WriteString(dialUDP(t, "", s.address[1]), "late")
	s.said("delayed datagram 1 by 1h0m0s")
	began := time.Now()
	if got := s.end(syscall.SIGTERM); got != 4 {
		t.Errorf("status %d", got)
	}
	if took := time.Since(began); took < grace || took >= 2*grace {
		t.Errorf("it ended after %v", took)
	}
	s.said("datagram not answered: it was still delayed at the end")
}

// SIGTERM under load: those that do not stop are closed in order, and see an end
// of file, never a reset.
func TestGraceUnderLoad(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, args ...string) {
		s := gecho(t, 1, append(args, "--grace", "300ms", "-v", "0")...)
		const clients = 50
		ends := make(chan error, clients)
		var begun sync.WaitGroup
		for i := range clients {
			c := s.dial()
			begun.Add(1)
			go func() {
				message, answer := []byte(fmt.Sprintf("message %d\n", i)), make([]byte, 100)
				for first := true; ; first = false {
					if _, err := c.Write(message); err != nil {
						ends <- nil // our half is shut: it may be over by now
						return
					}
					n, err := c.Read(answer)
					if first {
						begun.Done()
					}
					switch {
					case err == io.EOF:
						ends <- nil
						return
					case err != nil:
						ends <- err
						return
					case !bytes.HasPrefix(message, answer[:n]):
						ends <- fmt.Errorf("%q came back as %q", message, answer[:n])
						return
					}
				}
			}()
		}
		begun.Wait()
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		for range clients {
			if err := <-ends; err != nil {
				t.Error(err)
			}
		}
		if got := s.status(); got != 4 {
			t.Errorf("status %d", got)
		}
		s.said("50 connections did not finish within 300ms")
	})
}

// Idle limit and deadline, with a farewell and in order.
func TestClocks(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, args ...string) {
		s := gecho(t, 1, append(args, "-w", "1s", "--farewell", "bye", "0")...)
		c := s.dial()
		var last time.Time
		for range 5 { // activity keeps it open
			time.Sleep(50 * time.Millisecond)
			last = time.Now()
			talk(t, c, "1\n", "1\n")
		}
		if got := rest(t, c); got != "bye" {
			t.Errorf("got %q", got)
		}
		if d := time.Since(last); d < 990*time.Millisecond {
			t.Errorf("closed %v after the last byte", d)
		}
		s = gecho(t, 1, append(args, "--deadline", "300ms", "0")...)
		began := time.Now()
		c = s.dial()
		for {
			if _, err := c.Write([]byte("x\n")); err != nil {
				break
			}
			if n, _ := c.Read(make([]byte, 2)); n == 0 {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if d := time.Since(began); d < 290*time.Millisecond {
			t.Errorf("closed after %v", d)
		}
		s.said("its deadline of 300ms passed")
	})
}

// A crowd that waits is closed at its limit, each of them.
func TestCrowdTimesOut(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "-w", "4s", "0")
	var all sync.WaitGroup
	for range 2000 {
		c := s.dial()
		last := time.Now()
		talk(t, c, "x", "x")
		all.Go(func() {
			defer c.Close()
			if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("%d bytes, %v", n, err)
			}
			if d := time.Since(last); d < 3990*time.Millisecond {
				t.Errorf("closed after %v", d)
			}
		})
	}
	all.Wait()
	if got := s.end(syscall.SIGTERM); got != 0 {
		t.Errorf("status %d", got)
	}
}
