package scan

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gcat/internal/conn"
	"gcat/internal/testing/script"
)

// Results come in the order of the ports, tries are no more at once than asked
// for, and their beginnings are Interval apart.
func TestScanOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		s := &Scan{Parallel: 3, Dial: func(_ context.Context, e conn.Endpoint) (net.Conn, error) {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(time.Duration(10-len(e.Port)) * time.Second)
			return nil, &conn.Error{Why: conn.Refused}
		}}
		var ports []conn.Endpoint
		var want, got []string
		for _, port := range []string{"1", "22", "333", "4", "55", "666"} {
			ports = append(ports, conn.Endpoint{Network: "tcp", Port: port})
			want = append(want, port)
		}
		s.Report = func(r Result) { got = append(got, r.Endpoint.Port) }
		if _, err := s.Run(t.Context(), ports); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) || most.Load() != 3 {
			t.Errorf("%q, %d at once", got, most.Load())
		}

		start := time.Now()
		var began []time.Duration
		var mu sync.Mutex
		s.Interval = time.Hour
		s.Dial = func(context.Context, conn.Endpoint) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			began = append(began, time.Since(start))
			return nil, &conn.Error{Why: conn.Refused}
		}
		_, _ = s.Run(t.Context(), ports[:3])
		if !slices.Equal(began, []time.Duration{0, time.Hour, 2 * time.Hour}) {
			t.Errorf("began at %v", began)
		}
	})
}

// scarceDial is a network with so many descriptors, where ports divisible by 7
// are open and all others refuse after a second. It counts the tries in vain.
func scarceDial(descriptors *atomic.Int32, vain *atomic.Int32) func(context.Context, conn.Endpoint) (net.Conn, error) {
	return func(_ context.Context, e conn.Endpoint) (net.Conn, error) {
		if descriptors.Add(-1) < 0 {
			descriptors.Add(1)
			vain.Add(1)
			return nil, &conn.Error{Why: conn.NoDescriptor, Err: syscall.EMFILE}
		}
		defer descriptors.Add(1)
		time.Sleep(time.Second)
		if n, _ := strconv.Atoi(e.Port); n%7 == 0 {
			c, _ := net.Pipe()
			return c, nil
		}
		return nil, &conn.Error{Why: conn.Refused}
	}
}

// A port that finds no descriptor waits for another's: all get the verdict that
// they would get with plenty, as fast as the descriptors allow and without many
// tries in vain.
func TestScanScarce(t *testing.T) {
	var ports []conn.Endpoint
	for n := range 300 {
		ports = append(ports, conn.Endpoint{Network: "tcp", Port: strconv.Itoa(n + 1)})
	}
	for _, have := range []int32{1, 2, 10, 63, 64} {
		synctest.Test(t, func(t *testing.T) {
			var free, vain atomic.Int32
			free.Store(have)
			reported := 0
			s := &Scan{Dial: scarceDial(&free, &vain), Report: func(r Result) {
				reported++
				n, _ := strconv.Atoi(r.Endpoint.Port)
				if e, refused := errors.AsType[*conn.Error](r.Err); n != reported || n%7 == 0 && r.Err != nil || n%7 != 0 && (!refused || e.Why != conn.Refused) {
					t.Errorf("port %d as the %dth: %v", n, reported, r.Err)
				}
			}}
			start := time.Now()
			if _, err := s.Run(t.Context(), ports); err != nil || reported != len(ports) {
				t.Errorf("%d ports, %v", reported, err)
			}
			if took, all := time.Since(start), time.Duration(len(ports))*time.Second; took > 2*all/time.Duration(have)+5*time.Second {
				t.Errorf("with %d descriptors it took %v", have, took)
			}
			if n := vain.Load(); n > 64+int32(len(ports))/have+1 {
				t.Errorf("%d tries in vain with %d descriptors", n, have)
			}
		})
	}
}

// With no descriptor at all, nothing that the scan could wait for would help:
// that is the verdict.
func TestScanNoDescriptor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var free, vain atomic.Int32
		reported := 0
		s := &Scan{Dial: scarceDial(&free, &vain), Report: func(r Result) {
			reported++
			if conn.Words(r.Err) != "too many open files" {
				t.Error(r.Err)
			}
		}}
		ports := make([]conn.Endpoint, 100)
		if _, err := s.Run(t.Context(), ports); err != nil || reported != 100 || vain.Load() > 200 {
			t.Errorf("%d ports in %d tries, %v", reported, vain.Load(), err)
		}
	})
}

func TestScanCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		s := &Scan{Report: func(Result) {}, Dial: func(ctx context.Context, e conn.Endpoint) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		time.AfterFunc(time.Second, func() { cancel(why) })
		if _, err := s.Run(ctx, make([]conn.Endpoint, 100)); err != why {
			t.Error(err)
		}
	})
}

// Over UDP an answer is open, ICMP is closed, silence is a limit that passed.
func TestScanUDP(t *testing.T) {
	answers, silent, closed := script.UDPPeer(t, "127.0.0.1:0"), script.UDPPeer(t, "127.0.0.1:0"), script.UDPPeer(t, "127.0.0.1:0")
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
	var got []conn.Kind
	s := &Scan{
		Wait:          50 * time.Millisecond,
		DialDatagrams: new(conn.Dialer).DialDatagrams,
		Report: func(r Result) {
			kind := conn.Kind("open")
			if e, ok := errors.AsType[*conn.Error](r.Err); ok {
				kind = e.Why
			}
			got = append(got, kind)
		},
	}
	var ports []conn.Endpoint
	for _, c := range []*net.UDPConn{answers, silent, closed} {
		a := c.LocalAddr().(*net.UDPAddr).AddrPort()
		_, port, _ := net.SplitHostPort(a.String())
		ports = append(ports, conn.Endpoint{Network: "udp", Host: "127.0.0.1", Port: port})
	}
	if _, err := s.Run(t.Context(), ports); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []conn.Kind{"open", conn.Timeout, conn.Refused}) {
		t.Errorf("%q", got)
	}
}

// A UDP port is open if it is at any of a name's addresses.
func TestScanUDPAddresses(t *testing.T) {
	peer := script.UDPPeer(t, "127.0.0.2:0")
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
	d := &conn.Dialer{Resolver: conn.Resolver{Lookup: func(context.Context, string, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")}, nil
	}}}
	s := &Scan{Wait: time.Minute, DialDatagrams: d.DialDatagrams, Report: func(r Result) {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}}
	if _, err := s.Run(t.Context(), []conn.Endpoint{{Network: "udp", Host: "x.test", Port: port}}); err != nil {
		t.Fatal(err)
	}
}

// A port is not known to be closed if the time passed before connect(2), in the look-up
// of its name, or behind it, in a handshake.
func TestClosedTimeouts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	host, port, _ := net.SplitHostPort(l.Addr().String())
	silent := func(ctx context.Context, _, host string) ([]netip.Addr, error) {
		<-ctx.Done()
		return nil, &net.DNSError{Name: host, IsTimeout: true}
	}
	for _, tt := range []struct {
		host   string
		dialer conn.Dialer
	}{
		{"x.test", conn.Dialer{Resolver: conn.Resolver{Lookup: silent}}},
		{host, conn.Dialer{Upgrade: func(ctx context.Context, c net.Conn) (net.Conn, error) {
			defer c.Close()
			<-ctx.Done()
			return nil, ctx.Err()
		}}},
	} {
		tt.dialer.Limit = 10 * time.Millisecond
		s := &Scan{Dial: tt.dialer.Dial, Report: func(Result) {}, UntilClosed: true}
		all, err := s.Run(t.Context(), []conn.Endpoint{{Network: "tcp", Host: tt.host, Port: port}})
		if err != nil {
			t.Fatal(err)
		}
		if err := all.AllClosed(); conn.KindOf(err) != conn.Timeout {
			t.Errorf("%s: %v", tt.host, err)
		}
	}
}
