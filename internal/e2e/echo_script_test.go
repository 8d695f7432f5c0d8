package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// scriptFile writes a script and returns its path.
func scriptFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "test.script")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

const smtpScript = `# a mail server
send "220 mail.example ESMTP\r\n"
expect "EHLO "
line
send "250 mail.example\r\n"
expect "MAIL FROM:"
line
send "250 ok\r\n"
expect "RCPT TO:"
line
send "250 ok\r\n"
expect "DATA\r\n"
send "354 go on\r\n"
until "\r\n.\r\n"
wait 10ms
send "250 queued as \"42\"\r\n"  # quotes
expect "QUIT\r\n"
send "221 bye\r\n"
`

// An SMTP dialogue with curl and with the client of Python, which writes its
// commands small, in whatever pieces.
func TestScriptSMTP(t *testing.T) {
	t.Parallel()
	for _, faults := range [][]string{nil, {"--chunk", "3"}} {
		s := gecho(t, 1, append(faults, "--once", "--script", scriptFile(t, smtpScript), "0")...)
		mail := exec.Command(script.Peer(t, "curl"), "-sS", "--mail-from", "a@example", "--mail-rcpt", "b@example", "-T", "-", "smtp://"+s.address[0])
		mail.Stdin = strings.NewReader("hello\r\n")
		if out, err := mail.CombinedOutput(); err != nil {
			t.Errorf("curl: %v: %s", err, out)
		}
		if got := s.status(); got != 0 {
			t.Errorf("status %d; it said %s", got, s.err)
		}
		small := strings.NewReplacer("EHLO", "ehlo", "MAIL", "mail", "RCPT", "rcpt", "DATA", "data", "QUIT", "quit").Replace(smtpScript)
		s = gecho(t, 1, append(faults, "--once", "--script", scriptFile(t, small), "0")...)
		s.python(`
import smtplib
s = smtplib.SMTP(HOST, PORT, timeout=30)
assert s.ehlo()[0] == 250
assert s.mail('a@example') == (250, b'ok')
assert s.rcpt('b@example') == (250, b'ok')
assert s.data('hello') == (250, b'queued as "42"')
assert s.quit() == (221, b'bye')
`)
		if got := s.status(); got != 0 {
			t.Errorf("status %d; it said %s", got, s.err)
		}
	}
}

// A client that does something else, or nothing, ends its connection with a line
// that says the step, and the exit status tells.
func TestScriptStrays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		script, send string
		status       int
		said         string
	}{
		{`send "220\r\n"` + "\n" + `expect "EHLO "`, "HELO x\r\n", 5, `test.script:2: expected "EHLO ", got "HELO "`},
		{`expect "abc"`, "ab", 5, `test.script:1: expected "abc", got the end of file`},
		{`until "\n.\n"`, "ab\n.", 5, `test.script:1: expected "\n.\n", got the end of file`},
		{"line\neof", "one\ntwo\n", 5, `test.script:2: expected the end of file, got "two\n"`},
		{"line", strings.Repeat("x", 70_000), 5, `test.script:1: expected a line, got "xxx`},
		{"read 10", "12345", 5, `test.script:1: expected 10 bytes, got the end of file`},
		{"read 5\neof", "12345", 0, ""},
		{"read 5\nhalf-close\nuntil \"9\"\neof", "123456789", 0, ""},
		{"read 5\nreset", "12345", 0, ""},
		{"hold", "12345", 0, ""},
		{`send-file /etc/hostname` + "\nclose", "", 0, ""},
	} {
		t.Run(test.script, func(t *testing.T) {
			t.Parallel()
			s := gecho(t, 1, "--once", "--script", scriptFile(t, test.script), "0")
			c := s.dial().(halfConn)
			if _, err := io.WriteString(c, test.send); err != nil {
				t.Fatal(err)
			}
			_ = c.CloseWrite()
			_, _ = io.Copy(io.Discard, c)
			c.Close()
			if got := s.status(); got != test.status || !strings.Contains(s.err.String(), test.said) {
				t.Errorf("status %d, want %d; it said %q", got, test.status, s.err)
			}
		})
	}
	for fault, status := range map[string]int{ // the script goes on behind a half-close alone
		"--half-close-after=2": 5, "--half-close-after=50ms": 5, "--close-after=2": 5, "--reset-after=50ms": 5, "--close-after=50ms": 5, "--delay=1ms": 0,
		"--half-close-after=0": 5, "--close-after=0": 5,
	} {
		for sent, followed := range map[string]bool{"yes": true, "no!": false} {
			s := gecho(t, 1, "--once", fault, "--script", scriptFile(t, "send \"hello\"\nwait 150ms\nexpect \"yes\"\neof"), "0")
			if c, err := net.Dial("tcp", s.address[0]); err == nil { // a reset at 0 bytes may end connect(2)
				_, _ = io.WriteString(c, sent)
				_ = c.(halfConn).CloseWrite()
				_, _ = io.Copy(io.Discard, c)
				c.Close()
			}
			want := status
			if followed && strings.HasPrefix(fault, "--half") {
				want = 0
			} else if !followed {
				want = 5
			}
			if got := s.status(); got != want {
				t.Errorf("%s, %q: status %d, want %d; it said %q", fault, sent, got, want, s.err)
			}
		}
	}
	unread := gecho(t, 1, "--once", "--no-read", "--script", scriptFile(t, `expect "a"`), "0")
	c := unread.dial().(*net.TCPConn)
	_ = c.SetLinger(0)
	c.Close()
	if got := unread.status(); got != 5 {
		t.Errorf("--no-read: status %d; it said %q", got, unread.err)
	}
	reset := gecho(t, 1, "--once", "--script", scriptFile(t, `expect "a"`), "0")
	c = reset.dial().(*net.TCPConn)
	_ = c.SetLinger(0)
	c.Close()
	if got := reset.status(); got != 5 || !strings.Contains(reset.err.String(), "test.script:1: connection reset by peer") {
		t.Errorf("status %d; it said %q", got, reset.err)
	}
	s := gecho(t, 1, "-w", "200ms", "--once", "--script", scriptFile(t, `expect "a"`), "0")
	rest(t, s.dial())
	if got := s.status(); got != 4 || !strings.Contains(s.err.String(), `test.script:1: expected "a": timed out: nothing moved for 200ms`) {
		t.Errorf("status %d; it said %q", got, s.err)
	}
}

// What gcat -o recorded is played to another gcat, at the pace of the recording or
// faster; a client that says something else is told from it.
func TestReplay(t *testing.T) {
	t.Parallel()
	dump := filepath.Join(t.TempDir(), "session.dump")
	answer := "220 hello\n" + strings.Repeat("bytes\x00\xff", 1000)
	s := gecho(t, 1, "--once", "--reply", strings.ReplaceAll(strings.ReplaceAll(answer, "\x00", `\x00`), "\xff", `\xff`), "--delay", "300ms", "--close-after-reply", "0")
	first := start(t, input(t, "a question"), "-o", dump, s.address[0])
	if got := first.status(); got != 0 {
		t.Fatalf("status %d: %s", got, first.err)
	}
	for _, speed := range []string{"1", "0", "1000"} {
		began := time.Now()
		s := gecho(t, 1, "--once", "--replay", dump, "--speed", speed, "0")
		start(t, input(t, "a question"), s.address[0]).ends(0, answer, "")
		if got := s.status(); got != 0 {
			t.Errorf("status %d: %s", got, s.err)
		}
		if took := time.Since(began); speed == "1" && took < 250*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	}
	s = gecho(t, 1, "--once", "--replay", dump, "0")
	start(t, input(t, "another"), s.address[0]).status()
	if got := s.status(); got != 5 || !strings.Contains(s.err.String(), `session.dump:2: expected "a question", got "another"`) {
		t.Errorf("status %d: %s", got, s.err)
	}
}

// Limits of time, alone and with a rate.
func TestAfterTime(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"close", "reset", "stall", "half-close"} {
		for _, service := range []string{"echo", "source"} {
			t.Run(how+" "+service, func(t *testing.T) {
				t.Parallel()
				s := gecho(t, 1, "--service", service, "--rate", "1M", "--"+how+"-after", "200ms", "0")
				c := s.dial()
				if service == "echo" {
					talk(t, c, "hello", "hello")
				}
				done := map[string]string{"close": "closed", "reset": "reset", "stall": "stalled", "half-close": "half-closed"}[how]
				var got int64
				if how == "reset" {
					got = int64(reset(t, c))
				} else if how == "stall" {
					go func() { _, _ = io.Copy(io.Discard, c) }() // ends with the connection
				} else {
					got, _ = io.Copy(io.Discard, c)
				}
				s.said(fmt.Sprintf("fault: %s after 200ms", done))
				if got > 2<<20 {
					t.Errorf("%d bytes came", got)
				}
			})
		}
	}
}

// A connection that is stalled by the clock says nothing more and stays: neither the
// client's end of file, nor the idle limit, nor the end of a script ends it.
func TestStallStays(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"echo": nil, "script": {"--script", scriptFile(t, `send "hello"`+"\nwait 300ms\n")},
	} {
		for _, ends := range []bool{true, false} {
			t.Run(fmt.Sprint(name, ends), func(t *testing.T) {
				t.Parallel()
				s := gecho(t, 1, append(args, "-w", "500ms", "--stall-after", "200ms", "0")...)
				c := s.dial().(halfConn)
				s.said("fault: stalled after 200ms")
				if ends {
					_ = c.CloseWrite()
				}
				time.Sleep(800 * time.Millisecond)
				if name == "script" {
					_, _ = io.ReadFull(c, make([]byte, 5))
				}
				silent(t, c)
				if got := s.end(syscall.SIGTERM); got != 0 {
					t.Errorf("status %d; it said %q", got, s.err)
				}
			})
		}
	}
}

// A service that sends without end and is half-closed reads on, and ends with its client.
func TestHalfClosedGenerator(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "--once", "--service", "chargen", "--half-close-after", "50ms", "0")
	c := s.dial()
	if _, err := io.Copy(io.Discard, c); err != nil {
		t.Error(err)
	}
	c.Close()
	if got := s.status(); got != 0 {
		t.Errorf("status %d", got)
	}
}

// A delay is drawn by weight.
func TestWeightedDelay(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "--seed", "1", "--delay", "0:3,1ms-2ms:1", "0")
	c := s.dial()
	for range 100 {
		talk(t, c, "x", "x")
	}
	if n := strings.Count(s.err.String(), "delayed a reply by"); n < 10 || n > 45 {
		t.Errorf("%d of 100 were delayed", n)
	}
}
