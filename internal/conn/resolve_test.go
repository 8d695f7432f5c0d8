package conn

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// A name is looked up once, however many ports it has; a failure may be asked
// about again, and one for want of a descriptor is.
func TestMemo(t *testing.T) {
	asked := 0
	r := Resolver{Lookup: func(context.Context, string, string) ([]netip.Addr, error) {
		asked++
		return []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}, nil
	}}.Memo(0)
	for range 3 {
		a, err := r.addresses(t.Context(), Endpoint{Network: "tcp", Host: "x.test", Port: "1"})
		if err != nil || len(a) != 2 {
			t.Error(a, err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	asked = 0
	r = Resolver{Lookup: func(context.Context, string, string) ([]netip.Addr, error) {
		if asked++; asked < 3 {
			return nil, &net.DNSError{Err: "dial udp 192.0.2.53:53: socket: too many open files"}
		}
		return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
	}}.Memo(0)
	for i := range 4 {
		_, err := r.addresses(t.Context(), Endpoint{Network: "tcp", Host: "x.test", Port: "1"})
		if i < 2 && ConnectKind(err) != NoDescriptor || i >= 2 && err != nil {
			t.Error(i, err)
		}
	}
	if asked != 3 {
		t.Errorf("asked %d times", asked)
	}
	synctest.Test(t, func(t *testing.T) {
		for _, while := range []time.Duration{0, time.Second} {
			asked := 0
			r := Resolver{Lookup: func(context.Context, string, string) ([]netip.Addr, error) {
				asked++
				return nil, errors.New("no")
			}}.Memo(while)
			for range 5 { // at 0, 0.6, 1.2, 1.8 and 2.4 s
				_, _ = r.addresses(t.Context(), Endpoint{Network: "tcp", Host: "x.test", Port: "1"})
				time.Sleep(600 * time.Millisecond)
			}
			if want := map[time.Duration]int{0: 1, time.Second: 3}[while]; asked != want {
				t.Errorf("forgotten after %v: asked %d times, want %d", while, asked, want)
			}
		}
	})
}
