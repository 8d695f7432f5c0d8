//go:build linux

package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

func dialTLS(t *testing.T, s *echoServer, config *tls.Config) *tls.Conn {
	t.Helper()
	config.InsecureSkipVerify = true
	c := tls.Client(s.dial(), config)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "-v", "-w", "3s", "--farewell", "bye", "tls://127.0.0.1:0")
	s.said("throw-away certificate, SHA-256 fingerprint ")
	gecho(t, 1, "--log", "json", "tls://127.0.0.1:0").said(`"fingerprint":"`)
	c := dialTLS(t, s, &tls.Config{})
	talk(t, c, "secret", "secret")
	if got := rest(t, c); got != "bye" { // with close_notify, or this were an error
		t.Errorf("got %q", got)
	}
	c = dialTLS(t, s, &tls.Config{})
	data := string(noise(4, 3_000_000))
	go func() {
		_, _ = c.Write([]byte(data))
		_ = c.CloseWrite()
	}()
	if got := rest(t, c); got != data {
		t.Errorf("%d bytes came back", len(got))
	}
	// Who says nothing, or something else, is gone after the limit, or at once.
	plain := s.dial()
	_, _ = plain.Write([]byte("GET / HTTP/1.0\r\n\r\n"))
	s.said(`does not speak TLS`)
	mute := s.dial()
	if got := rest(t, mute); got != "" {
		t.Errorf("got %q", got)
	}
	s.said("closed connection 4 from")
}

// Client certificates, made by openssl.
func TestTLSClientCA(t *testing.T) {
	t.Parallel()
	openssl := script.Peer(t, "openssl")
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(openssl, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	for _, name := range []string{"good", "bad"} {
		run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
			"-subj", "/CN="+name, "-keyout", name+".key", "-out", name+".pem")
	}
	s := gecho(t, 1, "--tls-cert", dir+"/good.pem", "--tls-key", dir+"/good.key", "--tls-client-ca", dir+"/good.pem", "--tls", "0")
	client := func(name string) (string, error) {
		config := &tls.Config{InsecureSkipVerify: true}
		if name != "" {
			cert, err := tls.LoadX509KeyPair(dir+"/"+name+".pem", dir+"/"+name+".key")
			if err != nil {
				t.Fatal(err)
			}
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
		}
		c := tls.Client(s.dial(), config)
		if _, err := c.Write([]byte("x")); err != nil {
			return "", err
		}
		b := make([]byte, 1)
		_, err := c.Read(b)
		return string(b), err
	}
	if got, err := client("good"); got != "x" || err != nil {
		t.Errorf("with a certificate: %q, %v", got, err)
	}
	for _, name := range []string{"", "bad"} {
		if got, err := client(name); err == nil {
			t.Errorf("with certificate %q: %q", name, got)
		}
	}
}

// A real client: openssl s_client.
func TestTLSOpenSSL(t *testing.T) {
	t.Parallel()
	openssl := script.Peer(t, "openssl")
	s := gecho(t, 1, "--once", "--suffix", "!", "tls://127.0.0.1:0")
	cmd := exec.Command(openssl, "s_client", "-quiet", "-no_ign_eof", "-connect", s.address[0])
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = in.Write([]byte("hello"))
	b := make([]byte, 6)
	for n := 0; n < 6; {
		m, err := out.Read(b[n:])
		if n += m; err != nil {
			t.Fatal(err)
		}
	}
	in.Close()
	_ = cmd.Wait()
	if string(b) != "hello!" {
		t.Errorf("got %q", b)
	}
	if got := s.status(); got != 0 {
		t.Errorf("status %d", got)
	}
}

// --inetd on a socket, a listener, and a pair of pipes without a writer.
func TestInetd(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	lf, _ := l.(*net.TCPListener).File()
	defer lf.Close()
	cmd := exec.Command(script.Path("gecho"), "--inetd", "--once")
	cmd.Stdin = lf
	s := gechoCommand(t, 0, cmd)
	s.address = []string{l.Addr().String()}
	c := s.dial()
	talk(t, c, "listener", "listener")
	c.Close()
	if got := s.status(); got != 0 {
		t.Errorf("status %d", got)
	}

	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	cmd = exec.Command(script.Path("gecho"), "--inetd")
	cmd.Stdin = theirs
	s = gechoCommand(t, 0, cmd)
	theirs.Close()
	nc, err := net.FileConn(ours)
	ours.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(limit))
	talk(t, nc, "pair", "pair")
	_ = nc.(*net.UnixConn).CloseWrite()
	if got := rest(t, nc); got != "" {
		t.Errorf("got %q", got)
	}
	if got := s.status(); got != 0 {
		t.Errorf("status %d", got)
	}

	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	cmd = exec.Command(script.Path("gecho"), "--inetd", "-w", "100ms", "--farewell", "bye")
	cmd.Stdin = r
	out, err := cmd.Output()
	r.Close()
	if string(out) != "bye" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
}

// Access rules and --max-conns apply to connections that are handed over.
func TestConnectionsHanded(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	pair := func() (client net.Conn, server *os.File) {
		client = dialTest(t, "tcp", l.Addr().String())
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		server, _ = c.(*net.TCPConn).File()
		c.Close()
		return client, server
	}
	for _, rule := range [][]string{{"--allow", "10.0.0.0/8"}, {"--deny", "127.0.0.0/8"}} {
		client, server := pair()
		cmd := exec.Command(script.Path("gecho"), append(rule, "--inetd", "--greeting", "secret")...)
		cmd.Stdin = server
		s := gechoCommand(t, 0, cmd)
		server.Close()
		if got := rest(t, client); got != "" {
			t.Errorf("%q: got %q", rule, got)
		}
		if got := s.status(); got != 0 || s.err.String() != "gecho: refused "+client.LocalAddr().String()+" on inetd by rule\n" {
			t.Errorf("%q: status %d; it said %q", rule, got, s.err)
		}
	}
	clients, cmd := [2]net.Conn{}, exec.Command("sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=2 exec "$0" --max-conns 1`, script.Path("gecho"))
	for i := range clients {
		client, server := pair()
		clients[i], cmd.ExtraFiles = client, append(cmd.ExtraFiles, server)
	}
	s := gechoCommand(t, 0, cmd)
	for i, client := range clients {
		cmd.ExtraFiles[i].Close()
		_, _ = io.WriteString(client, "x")
		_ = client.(halfConn).CloseWrite()
	}
	for i, client := range clients {
		if got := rest(t, client); got != "x" {
			t.Errorf("connection %d: got %q", i, got)
		}
	}
	if got := s.status(); got != 0 {
		t.Errorf("status %d; it said %q", got, s.err)
	}
}

// The services, over TCP and, where they fit, UDP.
func TestServices(t *testing.T) {
	t.Parallel()
	s := gecho(t, 2, "--service", "daytime", "0", "udp://127.0.0.1:0")
	day := rest(t, s.dial())
	if _, err := time.Parse("Mon Jan _2 15:04:05 2006\r\n", day); err != nil {
		t.Error(err)
	}
	if got, ok := answered(t, dialUDP(t, "", s.address[1]), nil); !ok || len(got) != len(day) {
		t.Errorf("%q", got)
	}
	s = gecho(t, 1, "--service", "time", "0")
	b := rest(t, s.dial())
	if len(b) != 4 {
		t.Fatalf("%q", b)
	}
	seconds := int64(b[0])<<24 | int64(b[1])<<16 | int64(b[2])<<8 | int64(b[3]) - 2208988800
	if d := time.Since(time.Unix(seconds, 0)).Abs(); d > time.Minute {
		t.Errorf("it is off by %v", d)
	}
	s = gecho(t, 1, "--service", "discard", "0")
	c := s.dial()
	_, _ = c.Write(make([]byte, 10<<20))
	_ = c.(*net.TCPConn).CloseWrite()
	if got := rest(t, c); got != "" {
		t.Errorf("discard said %q", got)
	}
	s = gecho(t, 2, "--service", "chargen", "0", "udp://127.0.0.1:0")
	c = s.dial()
	line := ""
	for i := range 95 {
		line = ""
		for j := range 72 {
			line += string(rune(' ' + (i+j)%95))
		}
		talk(t, c, "", line+"\r\n")
	}
	c.Close()
	if got, ok := answered(t, dialUDP(t, "", s.address[1]), nil); !ok || len(got) > 512 {
		t.Errorf("%d bytes", len(got))
	}
	s = gecho(t, 1, "--service", "source:3M", "0")
	if got := rest(t, s.dial()); len(got) != 3<<20 || !strings.HasPrefix(got, " !\"#") {
		t.Errorf("%d bytes", len(got))
	}
}

// Only a finished handshake counts.
func TestTLSCount(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "--count", "2", "-c", "0")
	for range 3 {
		c := s.dial()
		if _, err := io.WriteString(c, "GET / HTTP/1.0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, c)
		c.Close()
		s.dial().Close()
	}
	for range 2 {
		c := dialTLS(t, s, &tls.Config{InsecureSkipVerify: true})
		talk(t, c, "hello", "hello")
		c.Close()
	}
	if got := s.status(); got != 0 {
		t.Errorf("status %d", got)
	}
}

// A handshake that takes too long is ended by one clock, and counts as a timeout.
func TestTLSHandshakeTimeout(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "-v", "-w", "500ms", "-c", "0")
	for range 20 {
		s.dial()
	}
	for n := range 20 {
		s.said(fmt.Sprintf("closed connection %d from", n+1))
	}
	_ = s.cmd.Process.Signal(syscall.SIGUSR1)
	s.said(" 20 timeouts, 0 errors,")
}
