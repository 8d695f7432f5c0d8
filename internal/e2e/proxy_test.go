package e2e

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
)

// proxyTo runs a proxy of the test's own, that is asked one thing after the
// other, answers each, and then passes bytes between its client and the target,
// half-closes included.
func proxyTo(t *testing.T, script []string, target []string) string {
	t.Helper()
	where := serve(t, "tcp", func(c halfConn) {
		for i := 0; i < len(script); i += 2 {
			got := make([]byte, len(script[i]))
			if n, err := io.ReadFull(c, got); string(got[:n]) != script[i] {
				t.Errorf("the proxy was asked %q, %v, want %q", got[:n], err, script[i])
				return
			}
			_, _ = io.WriteString(c, script[i+1])
		}
		far, err := net.Dial("tcp", net.JoinHostPort(target[0], target[1]))
		if err != nil {
			t.Error(err)
			return
		}
		defer far.Close()
		done := make(chan struct{})
		go func() {
			_, _ = io.Copy(far, c)
			_ = far.(halfConn).CloseWrite()
			close(done)
		}()
		_, _ = io.Copy(c, far)
		_ = c.CloseWrite()
		<-done
	})
	return net.JoinHostPort(where[0], where[1])
}

// slowAnswer is a server that answers when it has seen our end.
func slowAnswer(t *testing.T) []string {
	return serve(t, "tcp", func(c halfConn) { fmt.Fprintf(c, "heard %q", readAll(c)) })
}

// TestProxies asks one proxy of each kind for a name that only the proxy could
// look up; the half-close gets through it, to plain and TLS targets.
func TestProxies(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	cert, _, _ := m.issue("server", nil)
	const name = "\x0btarget.test\x00\x50"
	secret := base64.StdEncoding.EncodeToString([]byte("me:s3cret"))
	kinds := []struct {
		name   string
		script []string
		args   []string
	}{
		{"socks5", []string{"\x05\x01\x00", "\x05\x00", "\x05\x01\x00\x03" + name, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"}, nil},
		{"socks5 password", []string{"\x05\x02\x00\x02", "\x05\x02", "\x01\x02me\x06s3cret", "\x01\x00",
			"\x05\x01\x00\x03" + name, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"}, []string{"-P", "me"}},
		{"socks4a", []string{"\x04\x01\x00\x50\x00\x00\x00\x01me\x00target.test\x00", "\x00\x5a\x00\x00\x00\x00\x00\x00"}, []string{"-X", "4a", "-P", "me"}},
		{"connect", []string{"CONNECT target.test:80 HTTP/1.1\r\nHost: target.test:80\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"}, []string{"-X", "connect"}},
		{"connect Basic", []string{"CONNECT target.test:80 HTTP/1.1\r\nHost: target.test:80\r\nProxy-Authorization: Basic " + secret + "\r\n\r\n",
			"HTTP/1.1 200 OK\r\n\r\n"}, []string{"-X", "connect", "-P", "me"}},
	}
	for _, k := range kinds {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s TLS %v", k.name, secure), func(t *testing.T) {
				t.Parallel()
				target, args := slowAnswer(t), k.args
				if secure {
					target = serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}, answer)
					args = append([]string{"-c", "--tls-ca", m.file, "--tls-name", "localhost"}, args...)
				}
				proxy := proxyTo(t, k.script, target)
				cmd := gcatCmd(append(args, "-v", "-x", proxy, "target.test", "80")...)
				cmd.Env = append(os.Environ(), "GCAT_PROXY_PASSWORD=s3cret")
				cmd.Stdin = input(t, "hello")
				p := launch(t, cmd)
				if status := p.status(); status != 0 || p.out.String() != `heard "hello"` {
					t.Errorf("status %d, %q: %q", status, p.out, p.err)
				}
				if said := p.err.String(); !strings.Contains(said, "connected to target.test:80\n") || strings.Contains(said, "s3cret") {
					t.Errorf("it said %q", said)
				}
			})
		}
	}
}

// With -l --to only the connection to the endpoint goes through the proxy: the peer keeps
// its own name.
func TestProxyForward(t *testing.T) {
	t.Parallel()
	connect := []string{"CONNECT target.test:80 HTTP/1.1\r\nHost: target.test:80\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"}
	proxy := proxyTo(t, connect, slowAnswer(t))
	p, c := listening(t, "tcp", nil, "-v", "--to", "target.test:80", "-x", "connect://"+proxy)
	_, _ = io.WriteString(c, "hello")
	_ = c.CloseWrite()
	if got := readAll(c); got != `heard "hello"` {
		t.Errorf("the client heard %q", got)
	}
	if status := p.status(); status != 0 {
		t.Errorf("status %d", status)
	}
	name := c.LocalAddr().String()
	for _, line := range []string{"accepted " + name, "connected to target.test:80", name + ": sent 13 bytes"} {
		if said := p.err.String(); !strings.Contains(said, "gcat: "+line) {
			t.Errorf("no %q in %q", line, said)
		}
	}
}

// TestProxyOthers goes through the proxies that people run.
func TestProxyOthers(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, env []string, args ...string) *proc {
		t.Helper()
		cmd := gcatCmd(args...)
		cmd.Env = append(os.Environ(), env...)
		cmd.Stdin = input(t, "hello\n")
		return launch(t, cmd)
	}
	line := func(t *testing.T) []string { // it answers a line, and needs no half-close
		return serve(t, "tcp", func(c halfConn) {
			buf := make([]byte, 100)
			n, _ := c.Read(buf)
			fmt.Fprintf(c, "heard %q", buf[:n])
		})
	}
	t.Run("microsocks", func(t *testing.T) {
		t.Parallel()
		port := freePort(t)
		server(t, port, "", "microsocks", "-i", "127.0.0.1", "-p", port)
		target := line(t)
		// It takes a half-close for the end of both directions.
		run(t, nil, "--no-shutdown", "-x", "127.0.0.1:"+port, "localhost", target[1]).ends(0, `heard "hello\n"`, "")
		run(t, nil, "-x", "127.0.0.1:"+port, "127.0.0.1", freePort(t)).ends(3, "", "connection refused (SOCKS5 reply 5)")
	})
	t.Run("microsocks with a password", func(t *testing.T) {
		t.Parallel()
		port := freePort(t)
		server(t, port, "", "microsocks", "-i", "127.0.0.1", "-p", port, "-u", "me", "-P", "s3cret")
		target := line(t)
		run(t, []string{"GCAT_PROXY_PASSWORD=s3cret"}, "--no-shutdown", "-x", "socks5://me@127.0.0.1:"+port, "localhost", target[1]).ends(0, `heard "hello\n"`, "")
		run(t, []string{"GCAT_PROXY_PASSWORD=wrong"}, "-x", "127.0.0.1:"+port, "-P", "me", "localhost", target[1]).ends(3, "", "it refused the user name or password")
		run(t, nil, "-x", "127.0.0.1:"+port, "localhost", target[1]).ends(3, "", "it wants to know who we are")
	})
	t.Run("ncat http", func(t *testing.T) {
		t.Parallel()
		port := freePort(t)
		server(t, port, "Listening on 0.0.0.0", "ncat", "-v", "-l", "-k", port, "--proxy-type", "http")
		// It, too, takes a half-close for the end of both directions.
		run(t, nil, "--no-shutdown", "-x", "connect://127.0.0.1:"+port, "localhost", line(t)[1]).ends(0, `heard "hello\n"`, "")
		run(t, nil, "-x", "127.0.0.1:"+port, "-X", "connect", "127.0.0.1", freePort(t)).ends(3, "", `"HTTP/1.0 504 Gateway Timeout"`)
	})
	t.Run("ncat http with a password", func(t *testing.T) {
		t.Parallel()
		port := freePort(t)
		server(t, port, "Listening on 0.0.0.0", "ncat", "-v", "-l", "-k", port, "--proxy-type", "http", "--proxy-auth", "me:s3cret")
		run(t, []string{"GCAT_PROXY_PASSWORD=s3cret"}, "--no-shutdown", "-x", "connect://me@127.0.0.1:"+port, "localhost", line(t)[1]).ends(0, `heard "hello\n"`, "")
		run(t, nil, "-x", "connect://127.0.0.1:"+port, "localhost", "1").ends(3, "", `407 Proxy Authentication Required" (it wants "Basic"`)
	})
}

// TestProxyMisbehaves: whatever a proxy does ends with 3 or 4, and its words
// are quoted.
func TestProxyMisbehaves(t *testing.T) {
	t.Parallel()
	proxy := func(t *testing.T, do func(c halfConn)) string {
		where := serve(t, "tcp", do)
		return net.JoinHostPort(where[0], where[1])
	}
	run := func(t *testing.T, status int, want string, do func(c halfConn), args ...string) {
		t.Helper()
		x := proxy(t, do)
		start(t, input(t, "hello"), append(args, "-x", x, "target.test", "80")...).ends(status, "", want)
	}
	silent := func(c halfConn) { readAll(c) }
	t.Run("silent", func(t *testing.T) {
		t.Parallel()
		for _, x := range []string{"5", "4a", "connect"} {
			run(t, 4, "waiting for its answer timed out after 1s (connect limit)", silent, "--connect-timeout", "1s", "-X", x)
		}
	})
	t.Run("garbage", func(t *testing.T) {
		t.Parallel()
		run(t, 3, `it does not speak SOCKS5: it sent "\x1b[2Jgo away"`, func(c halfConn) { _, _ = io.WriteString(c, "\x1b[2Jgo away\n"); readAll(c) })
	})
	t.Run("refusing", func(t *testing.T) {
		t.Parallel()
		run(t, 3, `it cannot connect to target.test:80: "HTTP/1.1 403 \x1b[31mNo\x1b[0m"`, func(c halfConn) {
			_, _ = io.WriteString(c, "HTTP/1.1 403 \x1b[31mNo\x1b[0m\r\n\r\n")
			readAll(c)
		}, "-X", "connect")
	})
	t.Run("closing", func(t *testing.T) {
		t.Parallel()
		run(t, 3, "it closed the connection instead of answering", func(c halfConn) { _, _ = c.Read(make([]byte, 3)) })
	})
	t.Run("resetting", func(t *testing.T) {
		t.Parallel()
		run(t, 3, "proxy 127.0.0.1:", func(c halfConn) { _, _ = c.Read(make([]byte, 3)); resetNow(c) })
	})
	t.Run("absent", func(t *testing.T) {
		t.Parallel()
		start(t, nil, "-x", "127.0.0.1:"+freePort(t), "target.test", "80").ends(3, "", "connection refused")
	})
	t.Run("to no TLS server", func(t *testing.T) {
		t.Parallel()
		run(t, 3, `TLS with target.test:80: the peer does not speak TLS: it sent "SSH-2"`, func(c halfConn) {
			_, _ = io.CopyN(io.Discard, c, int64(len("CONNECT target.test:80 HTTP/1.1\r\nHost: target.test:80\r\n\r\n")))
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nSSH-2.0-x\r\n")
			readAll(c)
		}, "-c", "-X", "connect")
	})
	t.Run("talking at once", func(t *testing.T) {
		t.Parallel()
		// What comes right behind the answer is the target's.
		x := proxy(t, func(c halfConn) {
			_, _ = io.CopyN(io.Discard, c, int64(len("CONNECT target.test:80 HTTP/1.1\r\nHost: target.test:80\r\n\r\n")))
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nSSH-2.0-x\r\n")
			_ = c.CloseWrite()
			readAll(c)
		})
		start(t, nil, "-X", "connect", "-x", x, "target.test", "80").ends(0, "SSH-2.0-x\r\n", "")
	})
}
