package echo

import (
	"net/netip"
	"testing"
)

// One of a pair of sockets, as --inetd may get it, tells no address.
func TestOriginOfPair(t *testing.T) {
	if o := originOf(nil); o.String() != "unnamed" {
		t.Errorf("it comes from %v", &o)
	}
}

// No datagram is answered whose source is forged in a way that one can see.
func TestRefuse(t *testing.T) {
	p := (&Server{LoopGuard: 1}).newPackets(Socket{}, nil)
	for source, want := range map[string]bool{
		"192.0.2.1:5000": true, "[2001:db8::1]:5000": true,
		"192.0.2.1:53": false, "224.0.0.1:5000": false, "255.255.255.255:5000": false, "[ff02::1]:5000": false,
	} {
		if _, why := p.refuse([]byte("x"), &origin{addr: netip.MustParseAddrPort(source)}); (why == "") != want {
			t.Errorf("%s: %q", source, why)
		}
	}
}
