package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A fakeNet answers dials as its addresses are told to.
type fakeNet struct {
	answers map[string]fakeAnswer // by address
	start   time.Time
	closed  int
	running atomic.Int32
}

type fakeAnswer struct {
	after time.Duration
	err   error // nil is a connection; errSilent never answers
}

var errSilent = errors.New("silent")

type fakeConn struct {
	net.Conn
	net  *fakeNet
	addr string
}

func (c *fakeConn) Close() error { c.net.closed++; return nil }

func (f *fakeNet) dial(ctx context.Context, a netip.AddrPort) (net.Conn, error) {
	f.running.Add(1)
	defer f.running.Add(-1)
	name := a.Addr().String()
	answer := f.answers[name]
	if answer.err == errSilent {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(answer.after):
	}
	if answer.err != nil {
		return nil, answer.err
	}
	return &fakeConn{net: f, addr: name}, nil
}

func addrs(names ...string) (list []netip.AddrPort) {
	for _, name := range names {
		list = append(list, netip.AddrPortFrom(netip.MustParseAddr(name), 80))
	}
	return list
}

// Dead and silent addresses do not keep the others back by more than the
// stagger, whatever their family (RFC 8305).
func TestRace(t *testing.T) {
	refused := fakeAnswer{err: syscall.ECONNREFUSED}
	silent := fakeAnswer{err: errSilent}
	for _, test := range []struct {
		name    string
		order   []string
		answers map[string]fakeAnswer
		winner  string
		at      time.Duration
	}{
		{"the first", []string{"10.0.0.1", "10.0.0.2"}, nil, "10.0.0.1", 0},
		{"refused first", []string{"10.0.0.1", "10.0.0.2"}, map[string]fakeAnswer{"10.0.0.1": refused}, "10.0.0.2", 0},
		{"silent first", []string{"10.0.0.1", "10.0.0.2"}, map[string]fakeAnswer{"10.0.0.1": silent}, "10.0.0.2", stagger},
		{"two silent", []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}, map[string]fakeAnswer{"10.0.0.1": silent, "10.0.0.2": silent}, "10.0.0.3", 2 * stagger},
		{"IPv6 silent", []string{"2001:db8::1", "10.0.0.1"}, map[string]fakeAnswer{"2001:db8::1": silent}, "10.0.0.1", stagger},
		{"slow but first", []string{"10.0.0.1", "10.0.0.2"}, map[string]fakeAnswer{"10.0.0.1": {after: 300 * time.Millisecond}, "10.0.0.2": {after: 100 * time.Millisecond}}, "10.0.0.1", 300 * time.Millisecond},
		{"refused late", []string{"10.0.0.1", "10.0.0.2"}, map[string]fakeAnswer{"10.0.0.1": {after: 100 * time.Millisecond, err: syscall.ECONNREFUSED}}, "10.0.0.2", 100 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeNet{answers: test.answers, start: time.Now()}
				c, err := race(t.Context(), stagger, addrs(test.order...), f.dial)
				if err != nil {
					t.Fatal(err)
				}
				if got, took := c.(*fakeConn).addr, time.Since(f.start); got != test.winner || took != test.at {
					t.Errorf("%s after %v, want %s after %v", got, took, test.winner, test.at)
				}
				if n := f.running.Load(); n != 0 {
					t.Errorf("%d tries are left behind", n)
				}
				if f.closed != 0 && test.name != "slow but first" {
					t.Errorf("%d connections closed", f.closed)
				}
			})
		})
	}
}

// A reset before connect(2) has reported the connection: a peer answered, whatever
// the other addresses say, and nothing is tried again.
func TestRaceReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, errno := range []syscall.Errno{syscall.ECONNRESET, syscall.ECONNABORTED} {
			f := &fakeNet{answers: map[string]fakeAnswer{
				"2001:db8::1": {err: syscall.ECONNREFUSED}, "10.0.0.1": {err: errno}, "10.0.0.2": {},
			}}
			tries := 0
			_, err := Retry(t.Context(), time.Minute, 0, func(ctx context.Context, _ time.Duration) (net.Conn, error) {
				tries++
				c, err := race(ctx, stagger, addrs("2001:db8::1", "10.0.0.1", "10.0.0.2"), f.dial)
				if err != nil {
					err = &Error{Why: ConnectKind(err), Err: err}
				}
				return c, err
			})
			if e, ok := errors.AsType[*Error](err); !ok || e.Why != ResetByPeer || tries != 1 {
				t.Errorf("%v after %d tries", err, tries)
			}
		}
	})
}

// resetting is a server that sends words to each client and resets.
func resetting(t *testing.T, words string) Endpoint {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with l
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, words)
			_ = Reset(c)
		}
	}()
	return EndpointOf(l.Addr())
}

// Against a server that resets at once a connection is there or was reset, never
// refused.
func TestDialReset(t *testing.T) {
	e := resetting(t, "")
	for range 300 {
		c, err := (&Dialer{}).Dial(t.Context(), e)
		if err == nil {
			_ = c.Close()
			continue
		}
		if failed, ok := errors.AsType[*Error](err); !ok || failed.Why != ResetByPeer {
			t.Fatalf("%v", err)
		}
	}
}

// A socket of another type than asked for is named, with the line to type.
func TestDialOtherType(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for _, c := range []struct{ is, asked, words, try string }{
		{"unixgram", "unix", "it is a datagram socket", "unixgram"},
		{"unixgram", "unixpacket", "it is a datagram socket", "unixgram"},
		{"unix", "unixgram", "it is no datagram socket", "unix"},
		{"unix", "unixpacket", "it is a stream socket", "unix"},
		{"unixpacket", "unix", "it is a sequenced-packet socket", "unixpacket"},
	} {
		if c.is == "unixpacket" && runtime.GOOS != "linux" || runtime.GOOS == "windows" {
			continue
		}
		var l io.Closer
		var err error
		e := Endpoint{Network: c.is, Path: path}
		if c.is == "unixgram" {
			l, err = ListenConfig{}.ListenPacket(t.Context(), e)
		} else {
			l, err = ListenConfig{}.Listen(t.Context(), e)
		}
		if err != nil {
			t.Fatal(err)
		}
		e.Network = c.asked
		_, err = (&Dialer{}).Dial(t.Context(), e)
		failed, ok := errors.AsType[*Error](err)
		if !ok || !strings.Contains(err.Error(), c.words) || failed.Hint() != "type "+c.try+"://"+path {
			t.Errorf("%+v: %v", c, err)
		}
		_ = l.Close()
	}
}

// A listener's look-up without an answer ends with the connect limit of a client.
func TestListenLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := func(ctx context.Context, _, _ string) ([]netip.Addr, error) {
			<-ctx.Done()
			return nil, &net.DNSError{Err: "i/o timeout", IsTimeout: true}
		}
		start := time.Now()
		_, err := ListenConfig{Resolver: Resolver{Lookup: silent}}.Listen(t.Context(), Endpoint{Network: "tcp", Host: "no.example", Port: "80"})
		if e, ok := errors.AsType[*Error](err); !ok || e.Why != Timeout || time.Since(start) != lookupMost {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// Without an answer the error names them all; our clock's end is a timeout.
func TestRaceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeNet{start: time.Now(), answers: map[string]fakeAnswer{
			"10.0.0.1": {err: syscall.ECONNREFUSED}, "10.0.0.2": {err: syscall.EHOSTUNREACH, after: time.Second}}}
		_, err := race(t.Context(), stagger, addrs("10.0.0.1", "10.0.0.2"), f.dial)
		if ConnectKind(err) != Refused || Words(err) != "10.0.0.1: connection refused; 10.0.0.2: no route to host" {
			t.Error(err)
		}
		_, err = race(t.Context(), stagger, addrs("10.0.0.1", "10.0.0.1"), f.dial)
		if Words(err) != "connection refused (10.0.0.1, 10.0.0.1)" {
			t.Error(err)
		}
		// It is not known what those would have said that there was no descriptor for.
		f.answers["10.0.0.2"] = fakeAnswer{err: syscall.EMFILE}
		_, err = race(t.Context(), stagger, addrs("10.0.0.1", "10.0.0.2", "10.0.0.3"), f.dial)
		if ConnectKind(err) != NoDescriptor || Words(err) != "10.0.0.1: connection refused; 10.0.0.2: too many open files" {
			t.Error(err)
		}
		_, err = race(t.Context(), stagger, nil, f.dial)
		if ConnectKind(err) != NoSuchName {
			t.Error(err)
		}
	})
}

// A silent name server is bounded by the limit.
func TestDialSilentResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		d := &Dialer{Limit: 2 * time.Second, Resolver: Resolver{Lookup: func(ctx context.Context, _, _ string) ([]netip.Addr, error) {
			<-ctx.Done()
			return nil, &net.DNSError{Err: ctx.Err().Error(), IsTimeout: true}
		}}}
		_, err := d.Dial(t.Context(), Endpoint{Network: "tcp", Host: "x.test", Port: "80"})
		if ConnectKind(err) != Timeout || time.Since(start) != 2*time.Second || !strings.Contains(err.Error(), "x.test:80") {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// The clock that ended the last try is named: its own limit, or that of all tries.
func TestDialNamesClock(t *testing.T) {
	for _, test := range []struct {
		limit, retry time.Duration
		want         string
	}{
		{2 * time.Second, 0, "2s (connect limit)"},
		{2 * time.Second, 5 * time.Second, "5s (retry limit)"},
		{2 * time.Second, time.Second, "1s (retry limit)"},
		{0, time.Second, "1s (retry limit)"},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &Dialer{Limit: test.limit, Retry: test.retry, Resolver: Resolver{Lookup: func(ctx context.Context, _, _ string) ([]netip.Addr, error) {
				<-ctx.Done()
				return nil, &net.DNSError{Err: ctx.Err().Error(), IsTimeout: true}
			}}}
			_, err := d.Dial(t.Context(), Endpoint{Network: "tcp", Host: "x.test", Port: "80"})
			if want := "connect to x.test:80: name lookup timed out after " + test.want; err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}

// Retry tries again with growing pauses until shortly before its end, each try
// within its own limit.
func TestRetry(t *testing.T) {
	refused := &Error{Why: Refused, Err: syscall.ECONNREFUSED}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at []time.Duration
		_, err := Retry(t.Context(), 3*time.Second, time.Minute, func(_ context.Context, bound time.Duration) (net.Conn, error) {
			at = append(at, time.Since(start))
			if left := 3*time.Second - time.Since(start); bound > left {
				t.Errorf("a try of %v with %v left", bound, left)
			}
			return nil, refused
		})
		ms := time.Millisecond
		if want := []time.Duration{0, 50 * ms, 150 * ms, 350 * ms, 750 * ms, 1550 * ms, 2550 * ms, 2950 * ms}; err != refused || !slices.Equal(at, want) {
			t.Errorf("%v: tried at %v, want %v", err, at, want)
		}
	})
	for _, test := range []struct {
		name  string
		errs  []error // of the tries; nil is a connection
		tries int
	}{
		{"refused, then there", []error{refused, &Error{Why: NoSuchName}, &Error{Why: Timeout}, &Error{Why: Unreachable}, nil}, 5},
		{"no use", []error{&Error{Why: NotPermitted}}, 1},
		{"not a socket", []error{&Error{Why: NotASocket}}, 1},
		{"no descriptor", []error{&Error{Why: NoDescriptor}}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				_, err := Retry(t.Context(), time.Hour, 0, func(context.Context, time.Duration) (net.Conn, error) {
					tries++
					return nil, test.errs[tries-1]
				})
				if tries != test.tries || err != test.errs[tries-1] {
					t.Errorf("%v after %d tries", err, tries)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // a signal ends it at once
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := Retry(ctx, time.Hour, 0, func(context.Context, time.Duration) (net.Conn, error) { return nil, refused })
		if err == nil || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// A real first address that is dead does not keep the second one back.
func TestDialRealAddresses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	d := &Dialer{Resolver: Resolver{Lookup: func(context.Context, string, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.0.2")}, nil
	}}}
	c, err := d.Dial(t.Context(), Endpoint{Network: "tcp", Host: "x.test", Port: port})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.RemoteAddr().String(); got != l.Addr().String() {
		t.Error(got)
	}
}

// 0.0.0.0 is all addresses of IPv4, and none of IPv6.
func TestListenAllIPv4(t *testing.T) {
	for _, network := range []string{"tcp", "tls"} {
		l, err := ListenConfig{}.Listen(t.Context(), Endpoint{Network: network, Host: "0.0.0.0", Port: "0"})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if got := EndpointOf(l.Addr()).Host; got != "0.0.0.0" {
			t.Errorf("%s: it listens on %s", network, got)
		}
	}
	p, err := ListenConfig{}.ListenPacket(t.Context(), Endpoint{Network: "udp", Host: "0.0.0.0", Port: "0"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got := EndpointOf(p.LocalAddr()).Host; got != "0.0.0.0" {
		t.Errorf("udp: it listens on %s", got)
	}
}
