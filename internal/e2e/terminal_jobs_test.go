//go:build linux

package e2e

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// sitAtBash is a person at an interactive shell, and a listener to call from there.
func sitAtBash(t *testing.T) (*script.Screen, net.Listener) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := script.Sit(t, 80, exec.Command(script.Peer(t, "bash"), "--norc", "--noprofile", "--noediting", "-i"))
	s.Await("$ ")
	return s, l
}

// ^Z stops it with the terminal in its own mode, fg goes on with the line.
func TestTerminalStops(t *testing.T) {
	t.Parallel()
	s, l := sitAtBash(t)
	s.Types("gcat " + l.Addr().String() + "\n")
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	got := script.NewStream(t, peer)
	if _, err := io.WriteString(peer, "ready\n"); err != nil {
		t.Fatal(err)
	}
	s.Await("ready\r")
	s.Types("begun")
	s.Await("begun")
	s.Types("\x1a")
	s.Await("Stopped")
	s.Await("$ ")
	if mode := s.Mode(); mode != script.OwnMode {
		t.Errorf("stopped: %s", mode)
	}
	s.Types("fg\n")
	s.Await("gcat")
	s.Await("begun")
	s.Types(" and done\r")
	got.Await("begun and done\n")
	s.Types("\x03")
	s.Await("$ ")
	s.Types("echo status $?\n")
	s.Await("status 130\r")
	if mode := s.Mode(); mode != script.OwnMode {
		t.Errorf("ended: %s", mode)
	}
}

// In the background another process reads the terminal: gcat goes on
// receiving, dies of a signal, and reads once it comes to the foreground.
func TestTerminalBackground(t *testing.T) {
	t.Parallel()
	s, l := sitAtBash(t)
	copied := filepath.Join(t.TempDir(), "copy")
	begin := func(command string) net.Conn {
		s.Types(command + " " + l.Addr().String() + " >>" + copied + " &\n")
		peer, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return peer
	}
	receives := func(peer net.Conn, text string) {
		if _, err := io.WriteString(peer, text); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			if got, _ := os.ReadFile(copied); bytes.HasSuffix(got, []byte(text)) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%q did not arrive", text)
			}
		}
	}
	for _, command := range []string{"gcat", "gcat --raw"} {
		for _, signal := range []string{"TERM", "HUP", "INT"} {
			peer := begin(command)
			receives(peer, "to the background\n")
			s.Types("kill -" + signal + " %%; wait %%; echo $? by " + command + "\n")
			s.Await(map[string]string{"TERM": "143", "HUP": "129", "INT": "130"}[signal] + " by " + command + "\r")
			peer.Close()
		}
	}
	peer := begin("gcat")
	defer peer.Close()
	got := script.NewStream(t, peer)
	receives(peer, "again\n")
	s.Types("fg\n")
	s.Types("from the foreground\n")
	got.Await("from the foreground\n")
	s.Types("\x1a")
	s.Await("Stopped")
	s.Types("bg\n")
	receives(peer, "continued\n")
	s.Types("kill %%; wait %%; echo $? at the end\n")
	s.Await("143 at the end\r")
}
