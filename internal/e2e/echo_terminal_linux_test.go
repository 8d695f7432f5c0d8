package e2e

import (
	"bufio"
	"io"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"

	"gcat/internal/testing/script"
)

// A person who watches gecho's -v lines on a terminal sees when each happened; a
// log that goes to a file has no clock in front, for it is read by programs.
func TestLinesOnTerminal(t *testing.T) {
	t.Parallel()
	screen, tty, err := pty.Open()
	if err != nil {
		script.Missing(t, err.Error())
	}
	defer screen.Close()
	cmd := exec.Command(script.Path("gecho"), "-v", "--once", "127.0.0.1:0")
	cmd.Stderr = tty
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(strings.TrimSpace(line), "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	said, _ := io.ReadAll(screen) // until no process has the terminal open: EIO
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	want := regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d\d\d gecho: [^\x1b]+$`)
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(said), "\r", "")), "\n")
	if len(lines) < 3 {
		t.Errorf("it said only %q", said)
	}
	for _, l := range lines {
		if !want.MatchString(l) {
			t.Errorf("the line %q", l)
		}
	}
}
