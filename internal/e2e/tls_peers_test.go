package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// freePort is a port that was free a moment ago, for programs that cannot be
// asked which one they took.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// server starts another program's server on a port and waits until it listens.
// The wait connects, unless that would use it up; then said is what it says
// when it is ready.
func server(t *testing.T, port, said, name string, args ...string) *proc {
	t.Helper()
	p := launch(t, exec.Command(script.Peer(t, name), args...))
	if said != "" {
		for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
			if strings.Contains(p.out.String()+p.err.String(), said) {
				return p
			}
		}
		t.Fatalf("%s never said %q: %q %q", name, said, p.out, p.err)
	}
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			c.Close()
			return p
		}
	}
	t.Fatalf("%s never listened: %q %q", name, p.out, p.err)
	return nil
}

// TestTLSServersOfOthers: gcat asks the TLS servers that people use.
func TestTLSServersOfOthers(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	_, cert, key := m.issue("server", nil)
	both := filepath.Join(m.dir, "both.pem")
	var data []byte
	for _, f := range []string{cert, key} {
		part, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, part...)
	}
	if err := os.WriteFile(both, data, 0o600); err != nil {
		t.Fatal(err)
	}
	big := bigText(4)
	client := func(port string, args ...string) []string {
		return append([]string{"-c", "--tls-ca", m.file, "localhost", port}, args...)
	}

	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		t.Run("openssl s_server "+version, func(t *testing.T) {
			t.Parallel()
			port := freePort(t)
			server(t, port, "ACCEPT", "openssl", "s_server", version, "-accept", "127.0.0.1:"+port, "-cert", cert, "-key", key, "-rev")
			// It answers line by line, so that the answers come before our end.
			stdin, hold := pipe(t)
			p := start(t, stdin, client(port)...)
			if _, err := io.WriteString(hold, "hello\n"); err != nil {
				t.Fatal(err)
			}
			p.out.await(t, "olleh\n")
			hold.Close()
			p.ends(0, "olleh\n", "")
			refused := start(t, nil, "-c", "localhost", port)
			refused.ends(3, "", `unknown authority: "CN=Test CA"`)
		})
		t.Run("openssl s_server, a page "+version, func(t *testing.T) {
			t.Parallel()
			port := freePort(t)
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "page"), []byte(big), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(script.Peer(t, "openssl"), "s_server", version, "-accept", "127.0.0.1:"+port, "-cert", cert, "-key", key, "-WWW")
			cmd.Dir = dir
			launch(t, cmd).out.await(t, "ACCEPT")
			p := start(t, input(t, "GET /page HTTP/1.0\r\n\r\n"), client(port)...)
			if status := p.status(); status != 0 || !strings.HasSuffix(p.out.String(), big) {
				t.Errorf("status %d, %d bytes: %q", status, len(p.out.String()), p.err)
			}
		})
	}
	t.Run("nginx", func(t *testing.T) {
		t.Parallel()
		script.Peer(t, "nginx")
		port, dir := freePort(t), t.TempDir()
		conf := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
events {} http { access_log off; client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
server { listen 127.0.0.1:%[2]s ssl; ssl_certificate %[3]s; ssl_certificate_key %[4]s; root %[1]s/www; } }`, dir, port, cert, key)
		if err := os.MkdirAll(filepath.Join(dir, "www"), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"nginx.conf": conf, "www/page": big} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		server(t, port, "", "nginx", "-p", dir, "-c", filepath.Join(dir, "nginx.conf"))
		// It never reads a close_notify that comes before the page is out, so
		// that its close is a reset which destroys the rest of a long page.
		for _, args := range [][]string{{"--no-shutdown"}, {"--no-shutdown", "--tls-alpn", "http/1.1"}} {
			p := start(t, input(t, "GET /page HTTP/1.0\r\nHost: localhost\r\n\r\n"), append(args, client(port)...)...)
			if status := p.status(); status != 0 || !strings.HasPrefix(p.out.String(), "HTTP/1.1 200") || !strings.HasSuffix(p.out.String(), big) {
				t.Errorf("%q: status %d, %d bytes: %q", args, status, len(p.out.String()), p.err)
			}
		}
	})
	t.Run("ncat", func(t *testing.T) {
		t.Parallel()
		port := freePort(t)
		server(t, port, "Listening on 127.0.0.1", "ncat", "-v", "--ssl", "--ssl-cert", cert, "--ssl-key", key, "-l", "-k", "127.0.0.1", port, "-e", "/bin/cat")
		stdin, hold := pipe(t)
		p := start(t, stdin, client(port)...)
		if _, err := io.WriteString(hold, "hello\n"); err != nil {
			t.Fatal(err)
		}
		p.out.await(t, "hello\n")
		hold.Close()
		// ncat's cat ends when we do; whether close_notify comes is its business.
		if status := p.status(); status != 0 && status != 5 {
			t.Errorf("status %d: %q", status, p.err)
		}
	})
	t.Run("socat", func(t *testing.T) {
		t.Parallel()
		port := freePort(t)
		server(t, port, "listening on", "socat", "-d", "-d", "OPENSSL-LISTEN:"+port+",bind=127.0.0.1,cert="+both+",verify=0,fork", "EXEC:cat")
		stdin, hold := pipe(t)
		p := start(t, stdin, client(port)...)
		if _, err := io.WriteString(hold, "hello\n"); err != nil {
			t.Fatal(err)
		}
		p.out.await(t, "hello\n")
		hold.Close()
		if status := p.status(); status != 0 && status != 5 {
			t.Errorf("status %d: %q", status, p.err)
		}
	})
}

// TestTLSClientsOfOthers: a listener meets the TLS clients that people use, and
// gives them what they ask for.
func TestTLSClientsOfOthers(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	_, cert, key := m.issue("server", nil)
	serveCat := func(t *testing.T) (string, string) {
		_, address := listener(t, "tcp", nil, "-k", "-c", "--tls-cert", cert, "--tls-key", key, "-e", "cat")
		_, port, _ := net.SplitHostPort(address)
		return address, port
	}
	clients := []struct {
		name string
		args func(address, port string) []string
	}{
		{"openssl", func(address, port string) []string {
			return []string{"s_client", "-connect", address, "-CAfile", m.file, "-verify_return_error", "-quiet", "-no_ign_eof", "-tls1_2"}
		}},
		{"openssl", func(address, port string) []string {
			return []string{"s_client", "-connect", address, "-CAfile", m.file, "-verify_return_error", "-quiet", "-no_ign_eof", "-tls1_3"}
		}},
		{"ncat", func(address, port string) []string {
			return []string{"--ssl", "--ssl-verify", "--ssl-trustfile", m.file, "localhost", port}
		}},
		{"socat", func(address, port string) []string {
			return []string{"STDIO", "OPENSSL:localhost:" + port + ",pf=ip4,cafile=" + m.file}
		}},
	}
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address, port := serveCat(t)
			stdin, hold := pipe(t)
			cmd := exec.Command(script.Peer(t, c.name), c.args(address, port)...)
			cmd.Stdin = stdin
			p := launch(t, cmd)
			if _, err := io.WriteString(hold, "hello\n"); err != nil {
				t.Fatal(err)
			}
			p.out.await(t, "hello\n")
			hold.Close()
			if status := p.status(); status != 0 {
				t.Errorf("status %d: %q", status, p.err)
			}
		})
	}
	t.Run("curl", func(t *testing.T) {
		t.Parallel()
		page := "HTTP/1.0 200 OK\r\n\r\nhello"
		p, address := listener(t, "tcp", input(t, page), "-c", "--tls-cert", cert, "--tls-key", key)
		_, port, _ := net.SplitHostPort(address)
		curl := launch(t, exec.Command(script.Peer(t, "curl"), "-sS", "--cacert", m.file, "https://localhost:"+port+"/x"))
		curl.ends(0, "hello", "")
		if p.status() != 0 || !strings.HasPrefix(p.out.String(), "GET /x HTTP/1.1\r\n") {
			t.Errorf("the listener heard %q and said %q", p.out, p.err)
		}
	})
}
