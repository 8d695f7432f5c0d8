package echo

import (
	"net"
	"testing"

	"gcat/internal/testing/script"
)

// A broadcast datagram is refused, also if it comes from a peer that is known.
func TestForwardBroadcast(t *testing.T) {
	s := &Server{}
	client, events, _ := forwardUDP(t, s, 0)
	to := *client.RemoteAddr().(*net.UDPAddr)
	peer := script.UDPPeer(t, "127.0.0.1:0")
	say := func(host string) {
		to.IP = net.ParseIP(host)
		if _, err := peer.WriteTo([]byte("question"), &to); err != nil {
			t.Fatal(err)
		}
	}
	say("127.0.0.1")
	await(t, events, Accepted)
	say("127.255.255.255")
	await(t, events, Noticed)
	if n := s.Totals.Unanswered.Load(); n != 1 {
		t.Errorf("%d datagrams unanswered, want 1", n)
	}
}
