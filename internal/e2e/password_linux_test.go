package e2e

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gcat/internal/testing/script"
)

// TestProxyPassword is asked for on the terminal, without echo.
func TestProxyPassword(t *testing.T) {
	t.Parallel()
	secret := base64.StdEncoding.EncodeToString([]byte("me:s3cret"))
	ask := "CONNECT target.test:80 HTTP/1.1\r\nHost: target.test:80\r\nProxy-Authorization: Basic " + secret + "\r\n\r\n"
	proxy := proxyTo(t, []string{ask, "HTTP/1.1 200 OK\r\n\r\n"}, slowAnswer(t))
	cmd := gcatCmd("-X", "connect", "-x", "me@"+proxy, "target.test", "80")
	out := filepath.Join(t.TempDir(), "out")
	f, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd.Stdin, cmd.Stdout = input(t, "hello"), f
	s := script.Sit(t, 80, cmd)
	s.Await(`password of "me" at proxy ` + proxy + ": ")
	s.Types("s3cret\r")
	if status := s.Leaves(); status != 0 {
		t.Errorf("status %d: %q", status, s.All())
	}
	if data, err := os.ReadFile(out); err != nil || string(data) != `heard "hello"` {
		t.Errorf("got %q, %v", data, err)
	}
	if strings.Contains(s.All(), "s3cret") {
		t.Errorf("the password was shown: %q", s.All())
	}

	// ^C and every signal leave, by the signal, and the terminal echoes again.
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGALRM} {
		cmd = gcatCmd("-x", "me@"+proxy, "target.test", "80")
		s = script.Sit(t, 80, cmd)
		s.Await("password of")
		if signal == syscall.SIGINT {
			s.Types("\x03")
		} else if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if status := s.Leaves(); status != 128+int(signal) {
			t.Errorf("status %d after %v: %q", status, signal, s.All())
		}
		if mode := s.Mode(); mode != script.OwnMode {
			t.Errorf("the terminal was left as %q after %v", mode, signal)
		}
	}

	// Without a terminal there is no person to ask.
	setsid, err := exec.LookPath("setsid")
	if err != nil {
		script.Missing(t, "setsid is not installed")
	}
	launch(t, exec.Command(setsid, "-w", script.Path("gcat"), "-x", "me@"+proxy, "target.test", "80")).
		ends(1, "", "no password for the proxy: $GCAT_PROXY_PASSWORD is not set, and there is no terminal to ask on")
}
