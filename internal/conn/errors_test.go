package conn

import (
	"net"
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
