package conn

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestParsePorts(t *testing.T) {
	for in, want := range map[string]string{
		"80":              "80",
		"080":             "80",
		"1-3":             "1 2 3",
		"80 443 80":       "80 443",
		"22,80-82 81-83":  "22 80 81 82 83",
		"http":            "http",
		"http-alt":        "http-alt",
		"7-7":             "7",
		"65535":           "65535",
		"http-alt,8000-1": "",
		"10-5":            "",
		"0":               "",
		"00":              "",
		"0-3":             "",
		"80-65536":        "",
		"65536":           "",
		"80-":             "",
		"-80":             "",
		"80,":             "",
		",":               "",
		"1-2-3":           "",
		"99999999999-2":   "",
	} {
		got, err := ParsePorts(strings.Fields(in))
		if err != nil {
			got = nil
		}
		if strings.Join(got, " ") != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
}

func FuzzParsePorts(f *testing.F) {
	f.Add("22,80-82")
	f.Fuzz(func(t *testing.T, word string) {
		ports, err := ParsePorts([]string{word})
		if err == nil && len(ports) == 0 {
			t.Errorf("%q is nothing", word)
		}
		for _, port := range ports {
			if e := CheckPort(port); e != nil {
				t.Errorf("%q holds %q: %v", word, port, e)
			}
		}
	})
}

// Results come in the order of the ports, tries are no more at once than asked
// for, and their beginnings are Interval apart.
func TestScanOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		s := &Scan{Parallel: 3, Dial: func(_ context.Context, e Endpoint) (net.Conn, error) {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(time.Duration(10-len(e.Port)) * time.Second)
			return nil, &Error{Why: Refused}
		}}
		var ports []Endpoint
		var want, got []string
		for _, port := range []string{"1", "22", "333", "4", "55", "666"} {
			ports = append(ports, Endpoint{Network: "tcp", Port: port})
			want = append(want, port)
		}
		s.Tell = func(r PortState) { got = append(got, r.Endpoint.Port) }
		if err := s.Run(t.Context(), ports); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) || most.Load() != 3 {
			t.Errorf("%q, %d at once", got, most.Load())
		}

		start := time.Now()
		var began []time.Duration
		var mu sync.Mutex
		s.Interval = time.Hour
		s.Dial = func(context.Context, Endpoint) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			began = append(began, time.Since(start))
			return nil, &Error{Why: Refused}
		}
		_ = s.Run(t.Context(), ports[:3])
		if !slices.Equal(began, []time.Duration{0, time.Hour, 2 * time.Hour}) {
			t.Errorf("began at %v", began)
		}
	})
}

func TestScanCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		s := &Scan{Tell: func(PortState) {}, Dial: func(ctx context.Context, e Endpoint) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		time.AfterFunc(time.Second, func() { cancel(why) })
		if err := s.Run(ctx, make([]Endpoint, 100)); err != why {
			t.Error(err)
		}
	})
}

// Over UDP an answer is open, ICMP is closed, silence is a limit that passed.
func TestScanUDP(t *testing.T) {
	answers, silent, closed := udpPeer(t, "127.0.0.1:0"), udpPeer(t, "127.0.0.1:0"), udpPeer(t, "127.0.0.1:0")
	go func() { // ends when the socket is closed
		buf := make([]byte, 10)
		for {
			_, from, err := answers.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = answers.WriteTo([]byte("yes"), from)
		}
	}()
	closed.Close()
	var got []Kind
	s := &Scan{
		Wait:          50 * time.Millisecond,
		DialDatagrams: new(Dialer).DialDatagrams,
		Tell: func(r PortState) {
			kind := Kind("open")
			if e, ok := errors.AsType[*Error](r.Err); ok {
				kind = e.Why
			}
			got = append(got, kind)
		},
	}
	var ports []Endpoint
	for _, c := range []*net.UDPConn{answers, silent, closed} {
		a := c.LocalAddr().(*net.UDPAddr).AddrPort()
		_, port, _ := net.SplitHostPort(a.String())
		ports = append(ports, Endpoint{Network: "udp", Host: "127.0.0.1", Port: port})
	}
	if err := s.Run(t.Context(), ports); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []Kind{"open", Timeout, Refused}) {
		t.Errorf("%q", got)
	}
}

// A UDP port is open if it is at any of a name's addresses.
func TestScanUDPAddresses(t *testing.T) {
	peer := udpPeer(t, "127.0.0.2:0")
	go func() { // ends when the socket is closed
		buf := make([]byte, 10)
		for {
			n, from, err := peer.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = peer.WriteTo(buf[:n], from)
		}
	}()
	_, port, _ := net.SplitHostPort(peer.LocalAddr().String())
	d := &Dialer{Resolver: Resolver{Lookup: func(context.Context, string, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")}, nil
	}}}
	s := &Scan{Wait: time.Minute, DialDatagrams: d.DialDatagrams, Tell: func(r PortState) {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}}
	if err := s.Run(t.Context(), []Endpoint{{Network: "udp", Host: "x.test", Port: port}}); err != nil {
		t.Fatal(err)
	}
}

// A name is looked up once, however many ports it has; a failure may be asked
// about again.
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
