package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gcat/internal/conn"
)

// serve runs a proxy of the test's own and returns its address. talk gets each
// connection and may close it; it is closed when the test ends at the latest.
func serve(t *testing.T, talk func(c *net.TCPConn)) (host, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			go talk(c.(*net.TCPConn))
		}
	}()
	host, port, _ = net.SplitHostPort(l.Addr().String())
	return host, port
}

// expect reads the bytes of want from c and reports others.
func expect(t *testing.T, c net.Conn, want string) bool {
	got := make([]byte, len(want))
	n, err := io.ReadFull(c, got)
	if string(got[:n]) != want {
		t.Errorf("the proxy was sent %q, %v, want %q", got[:n], err, want)
		return false
	}
	return true
}

// script is a proxy that expects and says one thing after the other, and then
// echoes what it reads until its end, says bye, and closes.
func script(t *testing.T, lines ...string) func(c *net.TCPConn) {
	return func(c *net.TCPConn) {
		for i := 0; i < len(lines); i += 2 {
			if !expect(t, c, lines[i]) {
				c.Close()
				return
			}
			if _, err := io.WriteString(c, lines[i+1]); err != nil {
				t.Error(err)
			}
		}
		_, _ = io.Copy(c, c)
		_, _ = io.WriteString(c, "bye")
		c.Close()
	}
}

// dial connects to p and through it to address.
func dial(ctx context.Context, p Proxy, address string) (net.Conn, error) {
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		return nil, err
	}
	if err := p.Connect(ctx, c, address); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

const (
	ok5   = "\x05\x00\x00\x01\x7f\x00\x00\x01\x1f\x90"
	ok4   = "\x00\x5a\x00\x00\x00\x00\x00\x00"
	okWeb = "HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\nVia: x\r\n\r\n"
)

// TestDial asks each kind of proxy for each kind of target. What the target
// says right behind the proxy's reply must be there, and a half-close must get
// through.
func TestDial(t *testing.T) {
	name255 := strings.Repeat("n", 255)
	tests := []struct {
		name    string
		proxy   Proxy
		address string
		script  []string
	}{
		{"socks5 name", Proxy{Scheme: SOCKS5}, "target.test:80",
			[]string{"\x05\x01\x00", "\x05\x00", "\x05\x01\x00\x03\x0btarget.test\x00\x50", ok5}},
		{"no scheme is socks5", Proxy{}, "target.test:http",
			[]string{"\x05\x01\x00", "\x05\x00", "\x05\x01\x00\x03\x0btarget.test\x00\x50", ok5}},
		{"socks5 IPv4", Proxy{Scheme: SOCKS5}, "192.0.2.1:65535",
			[]string{"\x05\x01\x00", "\x05\x00", "\x05\x01\x00\x01\xc0\x00\x02\x01\xff\xff", ok5}},
		{"socks5 mapped IPv4", Proxy{Scheme: SOCKS5}, "[::ffff:192.0.2.1]:1",
			[]string{"\x05\x01\x00", "\x05\x00", "\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x01", ok5}},
		{"socks5 IPv6", Proxy{Scheme: SOCKS5}, "[2001:db8::1]:443",
			[]string{"\x05\x01\x00", "\x05\x00", "\x05\x01\x00\x04\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x01\x01\xbb", ok5}},
		{"socks5 long name", Proxy{Scheme: SOCKS5}, name255 + ":80",
			[]string{"\x05\x01\x00", "\x05\x00", "\x05\x01\x00\x03\xff" + name255 + "\x00\x50", ok5}},
		{"socks5 bound to IPv6", Proxy{Scheme: SOCKS5}, "a:80",
			[]string{"\x05\x01\x00", "\x05\x00", "\x05\x01\x00\x03\x01a\x00\x50", "\x05\x00\x00\x04" + strings.Repeat("x", 18)}},
		{"socks5 bound to a name", Proxy{Scheme: SOCKS5}, "a:80",
			[]string{"\x05\x01\x00", "\x05\x00", "\x05\x01\x00\x03\x01a\x00\x50", "\x05\x00\x00\x03\x02xyzz"}},
		{"socks5 bound to no name", Proxy{Scheme: SOCKS5}, "a:80",
			[]string{"\x05\x01\x00", "\x05\x00", "\x05\x01\x00\x03\x01a\x00\x50", "\x05\x00\x00\x03\x00zz"}},
		{"socks5 password", Proxy{Scheme: SOCKS5, User: "me", Password: "s3cret"}, "a:80",
			[]string{"\x05\x02\x00\x02", "\x05\x02", "\x01\x02me\x06s3cret", "\x01\x00", "\x05\x01\x00\x03\x01a\x00\x50", ok5}},
		{"socks5 password not wanted", Proxy{Scheme: SOCKS5, User: "me", Password: "s3cret"}, "a:80",
			[]string{"\x05\x02\x00\x02", "\x05\x00", "\x05\x01\x00\x03\x01a\x00\x50", ok5}},
		{"socks4", Proxy{Scheme: SOCKS4, User: "me"}, "192.0.2.1:80",
			[]string{"\x04\x01\x00\x50\xc0\x00\x02\x01me\x00", ok4}},
		{"socks4 with a name", Proxy{Scheme: SOCKS4}, "localhost:80",
			[]string{"\x04\x01\x00\x50\x7f\x00\x00\x01\x00", ok4}},
		{"socks4a", Proxy{Scheme: SOCKS4a, User: "me"}, "target.test:80",
			[]string{"\x04\x01\x00\x50\x00\x00\x00\x01me\x00target.test\x00", ok4}},
		{"socks4a with an address", Proxy{Scheme: SOCKS4a}, "192.0.2.1:80",
			[]string{"\x04\x01\x00\x50\xc0\x00\x02\x01\x00", ok4}},
		{"connect", Proxy{Scheme: CONNECT}, "target.test:80",
			[]string{"CONNECT target.test:80 HTTP/1.1\r\nHost: target.test:80\r\n\r\n", okWeb}},
		{"connect IPv6", Proxy{Scheme: CONNECT}, "[2001:db8::1]:80",
			[]string{"CONNECT [2001:db8::1]:80 HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", okWeb}},
		{"connect Basic", Proxy{Scheme: CONNECT, User: "Aladdin", Password: "open sesame"}, "a:80",
			[]string{"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n", okWeb}},
		{"connect, preliminary replies", Proxy{Scheme: CONNECT}, "a:80",
			[]string{"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\n" + okWeb}},
		{"connect, HTTP/1.0 and line feeds", Proxy{Scheme: CONNECT}, "a:80",
			[]string{"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", "HTTP/1.0 200\n\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.script[len(tt.script)-1] += "greeting "
			tt.proxy.Host, tt.proxy.Port = serve(t, script(t, tt.script...))
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			c, err := dial(ctx, tt.proxy, tt.address)
			cancel() // must not reach the conversation
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, "hello "); err != nil {
				t.Fatal(err)
			}
			if err := c.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(c)
			if err != nil || string(got) != "greeting hello bye" {
				t.Errorf("read %q, %v", got, err)
			}
		})
	}
}

// TestBadProxies meets proxies that refuse, lie, talk garbage or give up.
func TestBadProxies(t *testing.T) {
	connect := "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"
	me := Proxy{Scheme: SOCKS5, User: "me", Password: "pw"}
	socks4 := "\x04\x01\x00\x50\x00\x00\x00\x01\x00a\x00"
	tests := []struct {
		name   string
		proxy  Proxy
		script []string
		want   string

		temporary bool
	}{
		{"socks5 refuses", Proxy{}, []string{"\x05\x01\x00", "\x05\x00", "\x05\x01\x00\x03\x01a\x00\x50", "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"}, "it cannot connect to a:80: connection refused (SOCKS5 reply 5)", true},
		{"socks5 refuses briefly", Proxy{}, []string{"\x05\x01\x00", "\x05\x00", "\x05\x01\x00\x03\x01a\x00\x50", "\x05\x02"}, "connection not allowed by ruleset (SOCKS5 reply 2)", false},
		{"socks5 invents", Proxy{}, []string{"\x05\x01\x00", "\x05\x00", "\x05\x01\x00\x03\x01a\x00\x50", "\x05\xee\x00\x01"}, "no such reply is known (SOCKS5 reply 238)", false},
		{"socks5 wants a user", Proxy{}, []string{"\x05\x01\x00", "\x05\xff"}, "it wants to know who we are", false},
		{"socks5 wants no user", me, []string{"\x05\x02\x00\x02", "\x05\xff"}, "it takes no user name and password", false},
		{"socks5 chose what was not offered", Proxy{}, []string{"\x05\x01\x00", "\x05\x02"}, "was not offered (SOCKS5 method 2)", false},
		{"socks5 wants GSSAPI", me, []string{"\x05\x02\x00\x02", "\x05\x01"}, "was not offered (SOCKS5 method 1)", false},
		{"socks5 wrong password", me, []string{"\x05\x02\x00\x02", "\x05\x02", "\x01\x02me\x02pw", "\x01\x01"}, "it refused the user name or password", false},
		{"socks5 garbage after password", me, []string{"\x05\x02\x00\x02", "\x05\x02", "\x01\x02me\x02pw", "\x07\x00"}, `it does not speak SOCKS5: it sent "\a\x00"`, false},
		{"socks5 is a web server", Proxy{}, []string{"\x05\x01\x00", "HTTP/1.1 400 Bad\x1b[2J Request\r\nServer: x\r\n"}, `it does not speak SOCKS5: it sent "HTTP/1.1 400 Bad\x1b[2J Request\r\nServer: x"`, false},
		{"socks5 garbage later", Proxy{}, []string{"\x05\x01\x00", "\x05\x00", "\x05\x01\x00\x03\x01a\x00\x50", "\x04\x00\x00\x01"}, `it does not speak SOCKS5: it sent "\x04\x00\x00\x01"`, false},
		{"socks5 strange address", Proxy{}, []string{"\x05\x01\x00", "\x05\x00", "\x05\x01\x00\x03\x01a\x00\x50", "\x05\x00\x00\x07\x01"}, `it does not speak SOCKS5: it sent "\x05\x00\x00\a\x01"`, false},
		{"socks4 refuses", Proxy{Scheme: SOCKS4a}, []string{socks4, "\x00\x5b\x00\x00\x00\x00\x00\x00"}, "it cannot connect to a:80: rejected or failed (SOCKS4 reply 91)", true},
		{"socks4 identd", Proxy{Scheme: SOCKS4a}, []string{socks4, "\x00\x5c\x00\x00\x00\x00\x00\x00"}, "no identd here (SOCKS4 reply 92)", false},
		{"socks4 user", Proxy{Scheme: SOCKS4a}, []string{socks4, "\x00\x5d\x00\x00\x00\x00\x00\x00"}, "names another user (SOCKS4 reply 93)", false},
		{"socks4 garbage", Proxy{Scheme: SOCKS4a}, []string{socks4, "SSH-2.0-x\r\n"}, `it does not speak SOCKS4: it sent "SSH-2.0-x"`, false},
		{"web refuses", Proxy{Scheme: CONNECT}, []string{connect, "HTTP/1.1 403 Forbidden\x1b[2J by rule\r\nServer: x\r\n\r\n<html>"}, `it cannot connect to a:80: "HTTP/1.1 403 Forbidden\x1b[2J by rule"`, false},
		{"web wants to know", Proxy{Scheme: CONNECT}, []string{connect, "HTTP/1.1 407 Who?\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n"}, `"HTTP/1.1 407 Who?" (it wants "Negotiate", "Basic")`, false},
		{"web wants to know, in no way", Proxy{Scheme: CONNECT}, []string{connect, "HTTP/1.1 407 Who?\r\n: \r\n\r\n"}, `"HTTP/1.1 407 Who?"`, false},
		{"web is busy", Proxy{Scheme: CONNECT}, []string{connect, "HTTP/1.1 503 Busy\r\n\r\n"}, `it cannot connect to a:80: "HTTP/1.1 503 Busy"`, true},
		{"web wants to know, with a control character", Proxy{Scheme: CONNECT}, []string{connect, "HTTP/1.1 407 Who?\r\nX: \x1b\r\nproxy-authenticate:Basic realm=\"\x1b\"\r\n\r\n"}, `"HTTP/1.1 407 Who?" (it wants "Basic")`, false},
		{"web redirects", Proxy{Scheme: CONNECT}, []string{connect, "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"}, `"HTTP/1.1 302 Found"`, false},
		{"web switches", Proxy{Scheme: CONNECT}, []string{connect, "HTTP/1.1 101 Switching\r\n\r\n"}, `"HTTP/1.1 101 Switching"`, false},
		{"web garbage", Proxy{Scheme: CONNECT}, []string{connect, "220 mail ready\r\n"}, `it does not speak HTTP: it sent "220 mail ready"`, false},
		{"web garbage behind", Proxy{Scheme: CONNECT}, []string{connect, "HTTP/1.1 OK\r\n\r\n"}, `it does not speak HTTP: it sent "HTTP/1.1 OK`, false},
		{"web has no end", Proxy{Scheme: CONNECT}, []string{connect, "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHeader)}, `its answer has no end: "HTTP/1.1 200 OK\r\nX: xxx`, false},
		{"web dawdles", Proxy{Scheme: CONNECT}, []string{connect, strings.Repeat("HTTP/1.1 100 Go on\r\n\r\n", maxHeader/20)}, `its answer has no end`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.proxy.Host, tt.proxy.Port = serve(t, script(t, tt.script...))
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			c, err := dial(ctx, tt.proxy, "a:80")
			if err == nil {
				c.Close()
				t.Fatal("no error")
			}
			wantProxyError(t, err, conn.Proxy, "proxy "+tt.proxy.Addr()+": ", tt.want)
			if e, _ := errors.AsType[*conn.Error](errors.Unwrap(err)); (e != nil && e.Transient) != tt.temporary {
				t.Errorf("that a later try may succeed is %v, want %v: %v", !tt.temporary, tt.temporary, err)
			}
		})
	}
}

func wantProxyError(t *testing.T, err error, kind conn.Kind, words ...string) {
	t.Helper()
	e, ok := errors.AsType[*conn.Error](err)
	if !ok {
		t.Fatalf("error %T %v", err, err)
	}
	if e.Why != kind {
		t.Errorf("%v is of kind %q, want %q", err, e.Why, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%v\nwant %s", err, w)
		}
	}
	if len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\x1b\r\n\x00") {
		t.Errorf("not fit for a terminal: %q", err)
	}
}

// TestProxyEnds has the proxy close or reset at every stage of its answers.
func TestProxyEnds(t *testing.T) {
	answers := []struct {
		proxy  Proxy
		script []string
	}{
		{Proxy{Scheme: SOCKS5}, []string{"\x05\x01\x00", "\x05\x00", "\x05\x01\x00\x03\x01a\x00\x50", ok5}},
		{Proxy{Scheme: SOCKS4a}, []string{"\x04\x01\x00\x50\x00\x00\x00\x01\x00a\x00", ok4}},
		{Proxy{Scheme: CONNECT}, []string{"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"}},
	}
	for _, a := range answers {
		for i := 1; i < len(a.script); i += 2 {
			for n := range len(a.script[i]) {
				lines := append([]string(nil), a.script[:i+1]...)
				lines[i] = lines[i][:n]
				for _, reset := range []bool{false, true} {
					a.proxy.Host, a.proxy.Port = serve(t, func(c *net.TCPConn) {
						for i := 0; i < len(lines); i += 2 {
							expect(t, c, lines[i])
							_, _ = io.WriteString(c, lines[i+1])
						}
						if reset {
							_ = c.SetLinger(0)
						}
						c.Close()
					})
					c, err := dial(t.Context(), a.proxy, "a:80")
					if err == nil {
						c.Close()
						t.Fatalf("%s: no error with %q", a.proxy.Scheme, lines)
					}
					if reset {
						wantProxyError(t, err, conn.Proxy, "proxy 127.0.0.1:")
					} else {
						wantProxyError(t, err, conn.Proxy, "it closed the connection")
					}
				}
			}
		}
	}
}

// TestSilentProxy sees to it that the context's deadline ends the wait at every
// stage, and that an earlier end of the context does too.
func TestSilentProxy(t *testing.T) {
	stages := []struct {
		proxy  Proxy
		script []string
	}{
		{Proxy{Scheme: SOCKS5}, nil},
		{Proxy{Scheme: SOCKS5}, []string{"\x05\x01\x00", "\x05"}},
		{Proxy{Scheme: SOCKS5}, []string{"\x05\x01\x00", "\x05\x00"}},
		{Proxy{Scheme: SOCKS5}, []string{"\x05\x01\x00", "\x05\x00", "\x05\x01\x00\x03\x01a\x00\x50", "\x05\x00\x00"}},
		{Proxy{Scheme: SOCKS4a}, nil},
		{Proxy{Scheme: CONNECT}, []string{"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", "HTTP/1.1 200 OK\r\n\r"}},
	}
	for i, stage := range stages {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stage.proxy.Host, stage.proxy.Port = "proxy.test", "1080"
				ask := func(ctx context.Context) error {
					ours, theirs := net.Pipe()
					defer ours.Close()
					go func() { // ends with ours
						defer theirs.Close()
						for i := 0; i < len(stage.script); i += 2 {
							expect(t, theirs, stage.script[i])
							_, _ = io.WriteString(theirs, stage.script[i+1])
						}
						_, _ = io.Copy(io.Discard, theirs)
					}()
					return stage.proxy.Connect(ctx, ours, "a:80")
				}
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				err := ask(ctx)
				cancel()
				wantProxyError(t, err, conn.Timeout, "proxy proxy.test:1080: waiting for its answer timed out")
				if took := time.Since(began); took != 3*time.Second {
					t.Errorf("it took %v, not 3s", took)
				}

				began = time.Now()
				ctx, cancel = context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				err = ask(ctx)
				wantProxyError(t, err, conn.Proxy, "given up")
				if took := time.Since(began); took != time.Second {
					t.Errorf("it took %v, not 1s", took)
				}
			})
		})
	}
}

// TestBadTargets: nothing is sent to the proxy.
func TestBadTargets(t *testing.T) {
	tests := []struct {
		scheme        Scheme
		address, want string
	}{
		{SOCKS5, "nonsense", `bad address "nonsense"`},
		{SOCKS5, ":80", "a host name has 1 to 255 bytes"},
		{SOCKS5, strings.Repeat("x", 256) + ":80", "a host name has 1 to 255 bytes"},
		{CONNECT, "a\r\nX-Evil: b:80", "bad address"},
		{CONNECT, "a\r\nX:80", `bad host name "a\r\nX"`},
		{CONNECT, "a b:80", `bad host name "a b"`},
		{SOCKS4a, "a\x00b:80", `bad host name "a\x00b"`},
		{SOCKS5, "[fe80::1%eth0]:80", `the zone of "fe80::1%eth0" means nothing to a proxy`},
		{SOCKS4, "[2001:db8::1]:80", "SOCKS4 reaches no IPv6 address"},
		{SOCKS4a, "[2001:db8::1]:80", "SOCKS4 reaches no IPv6 address"},
		{SOCKS5, "a:nosuchport", `no such port "nosuchport"`},
		{SOCKS5, "a:65536", `no such port "65536"`},
	}
	for _, tt := range tests {
		p := Proxy{Scheme: tt.scheme, Host: "h", Port: "1"}
		err := p.Connect(t.Context(), nil, tt.address) // no connection: a write would panic
		wantProxyError(t, err, conn.Proxy, "proxy h:1: ", tt.want)
	}
}

func TestParse(t *testing.T) {
	good := []struct {
		in     string
		scheme Scheme
		want   Proxy
	}{
		{"h:1", "", Proxy{Scheme: SOCKS5, Host: "h", Port: "1"}},
		{"h", "", Proxy{Scheme: SOCKS5, Host: "h", Port: "1080"}},
		{"h", CONNECT, Proxy{Scheme: CONNECT, Host: "h", Port: "3128"}},
		{"connect://h", "", Proxy{Scheme: CONNECT, Host: "h", Port: "3128"}},
		{"http://h:8080/", "", Proxy{Scheme: CONNECT, Host: "h", Port: "8080"}},
		{"socks4://me@h:1", "", Proxy{Scheme: SOCKS4, User: "me", Host: "h", Port: "1"}},
		{"socks4a://h:1", SOCKS4a, Proxy{Scheme: SOCKS4a, Host: "h", Port: "1"}},
		{"socks5://me@example.org@[::1]:socks", "", Proxy{Scheme: SOCKS5, User: "me@example.org", Host: "::1", Port: "socks"}},
		{"[::1]", "", Proxy{Scheme: SOCKS5, Host: "::1", Port: "1080"}},
	}
	for _, tt := range good {
		got, err := Parse(tt.in, string(tt.scheme), "")
		if err != nil || got.Scheme != tt.want.Scheme || got.User != tt.want.User || got.Host != tt.want.Host || got.Port != tt.want.Port {
			t.Errorf("%q is %+v, %v, want %+v", tt.in, got, err, tt.want)
		}
	}
	bad := []struct {
		in     string
		scheme Scheme
		want   string
	}{
		{"", "", "it has no host"},
		{":1080", "", "it has no host"},
		{"h:", "", "its port is empty"},
		{"h:0", "", "its port 0 is not 1 to 65535"},
		{"h:65536", "", "its port 65536 is not"},
		{"::1:1080", "", "an IPv6 address is put in brackets"},
		{"a b:1", "", `bad host name "a b"`},
		{"ftp://h:1", "", `unknown proxy protocol "ftp"`},
		{"connect://h:1", SOCKS5, "the proxy is said to speak socks5 and connect"},
		{"@h:1", "", "user name is empty"},
		{"me:secret@h:1", "", "a password does not belong on a command line"},
		{strings.Repeat("u", 256) + "@h:1", "", "at most 255 bytes"},
		{"a\x00b@h:1", "", "cannot contain zero bytes"},
		{"connect://a\nb@h:1", "", "cannot contain zero bytes or line ends"},
	}
	for _, tt := range bad {
		_, err := Parse(tt.in, string(tt.scheme), "")
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %s", tt.in, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is shown: %v", err)
		}
	}
	for _, p := range []Proxy{
		{User: "u", Password: strings.Repeat("p", 256)},
		{Password: "p"},
		{User: "u", Password: "a\x00"},
		{Scheme: CONNECT, User: "u", Password: "a\r\nX: y"},
		{Scheme: CONNECT, User: "u:v"},
	} {
		if err := p.Check(); err == nil || len(p.Password) > 1 && strings.Contains(err.Error(), p.Password) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for name, want := range map[string]Scheme{"5": SOCKS5, "4": SOCKS4, "4a": SOCKS4a, "connect": CONNECT} {
		if got, err := ParseScheme(name); got != want || err != nil {
			t.Errorf("%s is %s, %v", name, got, err)
		}
	}
}

// TestGarbageIsBounded has a proxy that talks for ever.
func TestGarbageIsBounded(t *testing.T) {
	host, port := serve(t, func(c *net.TCPConn) {
		w := bufio.NewWriter(c)
		for {
			if _, err := w.WriteString("blah\a "); err != nil {
				return
			}
		}
	})
	for _, scheme := range []Scheme{SOCKS5, SOCKS4a, CONNECT} {
		p := Proxy{Scheme: scheme, Host: host, Port: port}
		_, err := dial(t.Context(), p, "a:80")
		wantProxyError(t, err, conn.Proxy, `it sent "blah\a blah`)
	}
}
