package conn

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestWordsOfNameServers(t *testing.T) {
	for said, want := range map[string]string{
		"server misbehaving":            "name server failed",
		"cannot unmarshal DNS message":  "the name server's answer is no DNS message",
		"no such host":                  "no such host",
		"dial udp: network unreachable": "name server 192.0.2.53:53: network unreachable",
	} {
		if got := Words(&net.DNSError{Err: said, Name: "host", Server: "192.0.2.53:53"}); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}

// A limit that is too short to be told in milliseconds is told as it is.
func TestRounded(t *testing.T) {
	for d, want := range map[time.Duration]time.Duration{
		1500*time.Millisecond + 1: 1500 * time.Millisecond, time.Microsecond: time.Microsecond, 1: 1, 0: 0,
	} {
		if got := rounded(d); got != want {
			t.Errorf("%v: %v, want %v", d, got, want)
		}
	}
}

// The error of a deadline names what it interrupted, with every address that was tried.
func TestCause(t *testing.T) {
	clock := &Error{Why: Timeout, Err: errors.New("too late")}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(clock)
	silent, unreachable := os.ErrDeadlineExceeded, syscall.EHOSTUNREACH
	for _, test := range []struct {
		err  error
		want string
	}{
		{silent, "too late"},
		{&Error{Op: "connect to a:1", Err: silent}, "connect to a:1: too late"},
		{&Error{Err: &Error{Op: "TLS with a:1", Err: errors.New("handshake timed out")}}, "TLS with a:1: too late"},
		{&Error{Op: "connect to a:1", Err: allFailed(addrs("10.0.0.1", "10.0.0.2"), []error{silent, silent})},
			"connect to a:1: 10.0.0.1, 10.0.0.2: too late"},
		{&Error{Op: "connect to a:1", Err: allFailed(addrs("10.0.0.1", "10.0.0.2"), []error{unreachable, silent})},
			"connect to a:1: 10.0.0.1: no route to host; 10.0.0.2: too late"},
		{&Error{Op: "connect to a:1", Err: allFailed(addrs("10.0.0.1", "10.0.0.2"), []error{silent, unreachable})},
			"connect to a:1: too late; 10.0.0.1: timed out; 10.0.0.2: no route to host"},
	} {
		if got := Cause(ctx, test.err); got.Error() != test.want || KindOf(got) != Timeout {
			t.Errorf("%v: %v, want %s", test.err, got, test.want)
		}
	}
}
