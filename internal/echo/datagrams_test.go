package echo

import (
	"net/netip"
	"testing"

	"gcat/internal/conn"
)

// sender is a peer with that address.
func sender(address string) *conn.Sender {
	return &conn.Sender{AddrPort: netip.MustParseAddrPort(address)}
}

// Beyond the loopback no reply is sent twice: a peer gets no more bytes than it has
// sent. The target may get more.
func TestDuplicate(t *testing.T) {
	for name, want := range map[string]int32{"127.0.0.1:5000": 2, "192.0.2.1:5000": 1} {
		from := sender(name)
		p, sent := repliesOf(&Server{Faults: Faults{Duplicate: 1}})
		p.take([]byte("12345"), from)
		if sent.Load() != want {
			t.Errorf("%s gets %d replies", name, sent.Load())
		}
		p, _ = repliesOf(&Server{Faults: Faults{Duplicate: 1}, To: &Target{}})
		got := []byte{}
		h := p.newHop(sink{&got}, from, 1, down, true)
		h.received.Store(5)
		if n, err := h.Write([]byte("12345")); n != 5 || err != nil || int32(len(got)) != 5*want {
			t.Errorf("%s gets %q of a target, %v", name, got, err)
		}
		got = nil
		if _, err := p.newHop(sink{&got}, from, 1, up, true).Write([]byte("12345")); err != nil || len(got) != 10 {
			t.Errorf("the target gets %q, %v", got, err)
		}
	}
}

// No datagram is answered whose source is forged in a way that one can see.
func TestRefuse(t *testing.T) {
	p := (&Server{LoopGuard: 1}).newPackets(Socket{})
	for source, want := range map[string]bool{
		"192.0.2.1:5000": true, "[2001:db8::1]:5000": true,
		"192.0.2.1:53": false, "224.0.0.1:5000": false, "255.255.255.255:5000": false, "[ff02::1]:5000": false,
	} {
		if _, why := p.refuse(sender(source)); (why == "") != want {
			t.Errorf("%s: %q", source, why)
		}
	}
}
