package e2e

import (
	"errors"
	"net"
	"syscall"
	"testing"
)

func TestFailFirst(t *testing.T) {
	t.Parallel()
	for how, check := range map[string]func(*testing.T, net.Conn){
		"close": func(t *testing.T, c net.Conn) {
			if got := rest(t, c); got != "" {
				t.Errorf("got %q", got)
			}
		},
		"reset": func(t *testing.T, c net.Conn) { reset(t, c) },
		"hang":  silent,
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := gecho(t, 1, "--fail-first", "2", "--fail", how, "0")
			for range 2 {
				c, err := net.DialTimeout("tcp", s.address[0], limit)
				if how == "reset" && errors.Is(err, syscall.ECONNRESET) {
					continue // before connect(2) had returned
				}
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { c.Close() })
				check(t, c)
			}
			third := s.dial()
			talk(t, third, "third", "third")
			third.Close()
			s.said("connection 2 from 127.0.0.1")
			if got := s.end(syscall.SIGTERM); got != 0 {
				t.Errorf("status %d", got)
			}
		})
	}
}

// What fails on purpose does not count, and one that hangs does not keep the
// server once those that count are served.
func TestFailFirstOnce(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"close", "reset", "hang"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := gecho(t, 1, "--fail-first", "2", "--fail", how, "--once", "0")
			for range 2 {
				c, err := net.DialTimeout("tcp", s.address[0], limit)
				if err != nil {
					continue // it was reset before connect(2) had returned
				}
				defer c.Close()
			}
			s.said("connection 2 from 127.0.0.1")
			third := s.dial()
			talk(t, third, "third", "third")
			third.Close()
			if got := s.status(); got != 0 {
				t.Errorf("status %d", got)
			}
		})
	}
}

// A connection of --fail-first that hangs has no other fault.
func TestFailFirstHangs(t *testing.T) {
	t.Parallel()
	silent(t, gecho(t, 1, "--fail-first", "1", "--fail", "hang", "--close-after", "50ms", "0").dial())
}

// A port probe is not one of the first TLS clients: its handshake is not finished.
func TestFailFirstTLS(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "-c", "--fail-first", "1", "--fail", "close", "--once", "0")
	s.dial().Close()
	s.said("connection 1 from 127.0.0.1")
	start(t, input(t, "hello"), "-c", "--tls-insecure", s.address[0]).ends(0, "", "")
	s.said("fault: closed, one of the first")
	start(t, input(t, "hello"), "-c", "--tls-insecure", s.address[0]).ends(0, "hello", "")
	if got := s.status(); got != 0 {
		t.Errorf("status %d", got)
	}
}
