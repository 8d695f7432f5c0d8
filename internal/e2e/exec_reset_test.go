//go:build unix

package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// resetSeen resets c and, on Linux, waits until the other side is gone, too: a busy system
// delivers a RST later.
func resetSeen(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
	ours := fmt.Sprintf(":%04X", c.LocalAddr().(*net.TCPAddr).Port)
	for gone := false; !gone; time.Sleep(time.Millisecond) {
		gone = true
		table, _ := os.ReadFile("/proc/net/tcp")
		for line := range strings.Lines(string(table)) {
			f := strings.Fields(line)
			gone = gone && !(len(f) > 2 && strings.HasSuffix(f[2], ours))
		}
	}
}

// TestExecReset: a peer that resets while the command neither reads nor writes is
// reported, relayed or not.
func TestExecReset(t *testing.T) {
	t.Parallel()
	for _, options := range [][]string{nil, {"-o", os.DevNull}} {
		fifo := filepath.Join(t.TempDir(), "fifo")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		p, address := listener(t, "tcp", nil, append(options, "-e", "echo ready; cat "+fifo)...)
		c := dialTest(t, "tcp", address).(*net.TCPConn)
		if _, err := io.ReadFull(c, make([]byte, 6)); err != nil {
			t.Fatal(err)
		}
		resetSeen(c)
		if err := os.WriteFile(fifo, nil, 0); err != nil { // the command ends
			t.Fatal(err)
		}
		p.ends(5, "", "gcat: receive from "+c.LocalAddr().String()+" after 0 bytes: connection reset by peer\n")
	}
}

// TestExecResetSeen: a reset that the command itself has met is reported, too, and not its
// failure over it.
func TestExecResetSeen(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-e", "echo ready; cat >" + os.DevNull + " 2>&1; exit 0"},
		{"-e", "echo ready; cat >" + os.DevNull + " 2>&1"},
		{"-e", "echo ready; cat >" + os.DevNull, "-o", os.DevNull},
	} {
		p, address := listener(t, "tcp", nil, args...)
		c := dialTest(t, "tcp", address).(*net.TCPConn)
		if _, err := io.ReadFull(c, make([]byte, 6)); err != nil {
			t.Fatal(err)
		}
		say(t, c, "half an upload")
		_ = c.SetLinger(0)
		_ = c.Close()
		p.ends(5, "", "gcat: receive from "+c.LocalAddr().String()+" after 14 bytes: connection reset by peer\n")
	}
}

// TestExecResetWriting: a peer that leaves output unread is reported, and not the command's
// failure over it.
func TestExecResetWriting(t *testing.T) {
	t.Parallel()
	for _, options := range [][]string{nil, {"-o", os.DevNull}} {
		p, c := listening(t, "tcp", nil, append(options, "-e", "yes 2>"+os.DevNull)...)
		_, _ = c.Read(make([]byte, 1))
		_ = c.Close() // with bytes unread
		p.ends(5, "", ": connection reset by peer")
	}
}

// TestExecUnreadUnix: a Unix peer that leaves the command's last words unread is reported,
// relayed or not.
func TestExecUnreadUnix(t *testing.T) {
	t.Parallel()
	for _, options := range [][]string{nil, {"-o", os.DevNull}} {
		left := filepath.Join(t.TempDir(), "left")
		p, address := listener(t, "unix", nil, append(options, "-e", "echo unread; touch "+left)...)
		c := dialTest(t, "unix", address)
		for _, err := os.Stat(left); err != nil; _, err = os.Stat(left) {
			time.Sleep(time.Millisecond)
		}
		_ = c.Close()
		if got := p.status(); got != 5 {
			t.Errorf("%q: status %d; it said %q", options, got, p.err)
		}
	}
}

// TestExecUnixPeerLeaves: what a relayed command writes, or has written into its pipe, when
// a Unix peer has closed is not lost in silence.
func TestExecUnixPeerLeaves(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--rate", "5", "-e", "echo 0123456789"},
		{"-w", "60", "-e", "echo early; cat; echo late; true"},
	} {
		p, c := listening(t, "unix", nil, args...)
		_, _ = c.Read(make([]byte, 6))
		_ = c.Close()
		p.ends(5, "", "delivered: connection reset by peer")
	}
}

// TestExecFailsFirst: the command's failure is reported, and not what its end makes of
// the connection.
func TestExecFailsFirst(t *testing.T) {
	t.Parallel()
	p, address := listener(t, "tcp", nil, "-c", "-e", "echo x; exit 4")
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := readAll(c); got != "x\n" {
		t.Errorf("the peer got %q", got)
	}
	_ = c.NetConn().Close() // without a close_notify
	p.ends(1, "", `gcat: command "echo x; exit 4": exit status 4`)
}

// TestExecUnread: input that the command did not want does not reset the
// connection over its last words, relayed or not.
func TestExecUnread(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--rate", "1G"}} {
		p, address := listener(t, "tcp", nil, append(args, "-k", "-e", "head -n 1")...)
		for range 3 {
			if got := exchange(t, "tcp", address, "first\n"+bigText(1)); got != "first\n" {
				t.Errorf("%q: the peer got %q", args, got)
			}
		}
		p.says("")
	}
}
