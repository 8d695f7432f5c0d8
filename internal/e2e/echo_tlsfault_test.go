package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gcat/internal/testing/script"
)

// Each fault of TLS is met by curl, Python's ssl, openssl and gcat, in their own
// words; all but the fault can be verified.
func TestTLSFaults(t *testing.T) {
	t.Parallel()
	const python = `
import ssl
try:
    s = ssl.create_default_context(cafile=CA).wrap_socket(socket.create_connection((HOST, PORT), timeout=TIMEOUT), server_hostname='localhost', suppress_ragged_eofs=False)
    s.sendall(b'hello')
    assert s.recv(100) == b'hello'
    assert s.recv(100) == b''
    print('fine')
except Exception as e:
    print(e)
`
	for fault, want := range map[string]struct{ curl, python, openssl, gcat string }{
		"":                {"", "fine", "Verify return code: 0 (ok)", ""},
		"expired":         {"certificate has expired", "certificate has expired", "certificate has expired", "expired"},
		"not-yet":         {"certificate is not yet valid", "certificate is not yet valid", "certificate is not yet valid", "valid"},
		"wrong-name":      {"subject name", "Hostname mismatch", "hostname mismatch", "wrong.invalid"},
		"untrusted":       {"certificate", "certificate verify failed", "unable to verify the first certificate", "unknown authority"},
		"no-close-notify": {"", "EOF", "unexpected eof while reading", "without close_notify"},
		"stall":           {"timed out", "timed out", "", "handshake"},
		"garbage":         {"wrong version number", "WRONG_VERSION_NUMBER", "wrong version number", "TLS"},
		"reset":           {"onnection reset by peer", "onnection reset by peer", "errno=104", "reset"},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			ca := filepath.Join(t.TempDir(), "ca.pem")
			args := []string{"-c", "--tls-ca-out", ca, "--close-after-reply"}
			if fault != "" {
				args = append(args, "--tls-fault", fault)
			}
			s := gecho(t, 1, append(args, "127.0.0.1:0")...)
			_, port, _ := strings.Cut(s.address[0], ":")
			holds := func(who, want, got string) {
				t.Helper()
				if !strings.Contains(got, want) {
					t.Errorf("%s said %q, want %q", who, got, want)
				}
			}

			curl := exec.Command(script.Peer(t, "curl"), "-sS", "--http0.9", "-m", "2", "--cacert", ca, "https://localhost:"+port+"/")
			out, _ := curl.CombinedOutput()
			holds("curl", want.curl, string(out))

			py := exec.Command(script.Peer(t, "python3"), "-c", "import socket\nHOST, PORT, CA, TIMEOUT = '127.0.0.1', "+port+", '"+ca+"', 2\n"+python)
			out, _ = py.CombinedOutput()
			holds("python", want.python, string(out))

			ssl := exec.Command(script.Peer(t, "openssl"), "s_client", "-ign_eof", "-connect", "localhost:"+port, "-CAfile", ca, "-verify_hostname", "localhost")
			ssl.Stdin = strings.NewReader("hello")
			p := launch(t, ssl)
			if fault == "stall" { // it waits for ever
				s.said("connection 3 from")
				_ = ssl.Process.Kill()
			}
			p.status()
			holds("openssl", want.openssl, p.out.String()+p.err.String())
			if got := p.out.String(); fault == "stall" && strings.Contains(got, "Verify return code") {
				t.Errorf("openssl had a handshake: %q", got)
			}

			mine := start(t, input(t, "hello"), "-c", "--connect-timeout", "2", "--tls-ca", ca, "localhost", port)
			status := mine.status()
			holds("gcat", want.gcat, mine.err.String())
			if (status == 0) != (fault == "") {
				t.Errorf("gcat: status %d", status)
			}
			if fault != "" {
				s.said("fault: TLS: " + fault)
			}
		})
	}
}

// A stalled handshake is ended by the client or by a signal, not by gecho.
func TestTLSStallEnded(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "-v", "--tls-fault", "stall", "-c", "127.0.0.1:0")
	host, port, _ := strings.Cut(s.address[0], ":")
	start(t, nil, "-c", "--connect-timeout", "0.1", host, port).ends(4, "", "handshake")
	s.said("ended by peer")
	waiting := start(t, nil, "-c", host, port)
	s.said("connection 2 from")
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	waiting.status()
	s.said("ended by signal")
}

// What a reply and the log say of TLS, and the keys.
func TestTLSFacts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys")
	cmd := exec.Command(script.Path("gecho"), "--once", "--log", "json", "-c", "--tls-alpn", "http/1.1", "--reply", `{sni} {alpn} {tls} [{client}]\n`, "--close-after-reply", "0")
	cmd.Env = append(os.Environ(), "SSLKEYLOGFILE="+keys)
	s := gechoCommand(t, 1, cmd)
	_, port, _ := strings.Cut(s.address[0], ":")
	start(t, input(t, "x"), "-c", "--tls-insecure", "--tls-name", "some.example", "--tls-alpn", "http/1.1", "localhost", port).ends(0, "some.example http/1.1 TLS 1.3 []\n", "")
	if got := s.status(); got != 0 {
		t.Errorf("status %d", got)
	}
	s.said(`"tls":"TLS 1.3","sni":"some.example","alpn":"http/1.1"`)
	if b, err := os.ReadFile(keys); err != nil || !strings.Contains(string(b), "CLIENT_TRAFFIC_SECRET_0 ") {
		t.Errorf("keys: %v, %q", err, b)
	}
}
