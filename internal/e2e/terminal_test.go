//go:build linux

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

	"gcat/internal/testing/script"
)

// A call is gcat on a terminal, and its peer.
type call struct {
	*script.Screen
	t    *testing.T
	peer *net.TCPConn
	got  *script.Stream // what the peer received
}

// calls lets a gcat on a terminal connect to a listener of ours. Change may
// give it other standard streams.
func calls(t *testing.T, change func(*exec.Cmd), options ...string) *call {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cmd := gcatCmd(append(options, l.Addr().String())...)
	if change != nil {
		change(cmd)
	}
	screen := script.Sit(t, 60, cmd)
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &call{Screen: screen, t: t, peer: c.(*net.TCPConn), got: script.NewStream(t, c)}
}

// says lets the peer say something.
func (c *call) says(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.peer, text); err != nil {
		c.t.Fatal(err)
	}
}

// awaitEditor waits until gcat has the terminal.
func (c *call) awaitEditor() {
	c.t.Helper()
	c.says("ready\n")
	c.Await("ready")
}

// leaves checks the status and that the terminal is as it was.
func (c *call) leaves(status int) {
	c.t.Helper()
	if got := c.Leaves(); got != status {
		c.t.Errorf("status %d, want %d; the screen shows\n%s", got, status, strings.Join(c.Rows(), "\n"))
	}
	if mode := c.Mode(); mode != script.OwnMode {
		c.t.Errorf("the terminal is left behind as %s", mode)
	}
}

// What arrives does not scramble what is being typed; ^D half-closes; the end
// of the peer is the end.
func TestTerminal(t *testing.T) {
	t.Parallel()
	c := calls(t, nil)
	c.awaitEditor()
	c.Types("hel")
	c.Shows("ready", "hel_")
	c.says("news\nmore")
	c.Shows("ready", "news", "morehel_")
	c.Types("lo\r")
	c.got.Await("hello\n")
	c.says(" of it\n")
	c.Types("\x1b[A") // the history
	c.Shows("morehello", " of it", "hello_")
	c.Types("!\r\x04")
	if got := c.got.Ends(); got != "hello\nhello!\n" {
		t.Errorf("the peer got %q", got)
	}
	c.says("last words\n")
	c.Shows("last words", "_")
	c.peer.Close()
	c.leaves(0)
}

// What is typed before gcat has the terminal is not lost, not even its end.
func TestTerminalTypedAhead(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := script.Sit(t, 60, gcatCmd(l.Addr().String()))
	s.Types("early\n\x04")
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if got := script.NewStream(t, peer).Ends(); got != "early\n" {
		t.Errorf("the peer got %q", got)
	}
	peer.Close()
	if status := s.Leaves(); status != 0 {
		t.Errorf("status %d", status)
	}
}

// A hex dump on the same screen does not scramble what is being typed.
func TestTerminalHexdump(t *testing.T) {
	t.Parallel()
	c := calls(t, nil, "-o", "-")
	c.awaitEditor()
	c.Types("typing")
	c.says("x\n")
	c.Await("|x.|")
	c.Shows("typing_")
	for _, row := range c.Rows() {
		if strings.Contains(row, "typing") && row != "typing_" {
			t.Errorf("%q", row)
		}
	}
	c.peer.Close()
	c.leaves(0)
}

// With a terminal as standard input the peer's end is the end, and -v says so.
func TestTerminalPeerEnds(t *testing.T) {
	t.Parallel()
	c := calls(t, nil, "-v")
	c.Await("connected to")
	c.awaitEditor()
	c.Types("half a li")
	c.Shows("half a li_")
	c.peer.Close()
	c.Await("ended by peer")
	c.leaves(0)
	for _, row := range c.Rows() {
		if strings.Contains(row, "gcat:") && strings.Contains(row, "half") {
			t.Errorf("%q", row)
		}
	}
}

// A listener on a terminal is no different.
func TestTerminalListener(t *testing.T) {
	t.Parallel()
	ready := filepath.Join(t.TempDir(), "ready")
	if err := syscall.Mkfifo(ready, 0o600); err != nil {
		t.Fatal(err)
	}
	s := script.Sit(t, 60, gcatCmd("-l", "--ready", ready, "127.0.0.1:0"))
	where, err := os.ReadFile(ready)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := net.Dial("tcp", strings.TrimSpace(string(where)))
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	got := script.NewStream(t, peer)
	if _, err := io.WriteString(peer, "hello\n"); err != nil {
		t.Fatal(err)
	}
	s.Shows("hello", "_")
	s.Types("answer\r\x04")
	if text := got.Ends(); text != "answer\n" {
		t.Errorf("the peer got %q", text)
	}
	peer.Close()
	if status := s.Leaves(); status != 0 {
		t.Errorf("status %d", status)
	}
}

// Signals end it as they end cat, whether they come from the keyboard or not,
// and the terminal is given back.
func TestTerminalSignals(t *testing.T) {
	t.Parallel()
	for _, options := range [][]string{nil, {"--raw"}} {
		for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGALRM} {
			c := calls(t, nil, options...)
			c.awaitEditor()
			if err := c.Cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			c.leaves(128 + int(s))
			if said := c.All(); strings.Contains(said, "goroutine") || strings.Contains(said, "gcat:") {
				t.Errorf("%v: it said %q", s, said)
			}
		}
	}
	c := calls(t, nil)
	c.awaitEditor()
	c.Types("typed\x03")
	c.leaves(130)
	// ^C works as well when the keys are not read any more.
	c = calls(t, nil)
	c.awaitEditor()
	c.Types("\x04")
	c.got.Ends()
	c.Types("\x03")
	c.leaves(130)
}

// Signals that a command has no use for end it on a terminal, too, with nothing said.
func TestTerminalSignalsOther(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGABRT, syscall.SIGALRM, syscall.SIGUSR2, syscall.SIGXCPU} {
		for ready, words := range map[string][]string{
			"listening": {"gcat", "-vl", "127.0.0.1:0"}, "tcp://": {"gecho", "127.0.0.1:0"}, "65": {"gpack", "-d", "B"},
		} {
			s := script.Sit(t, 80, exec.Command(script.Path(words[0]), words[1:]...))
			if words[0] == "gpack" {
				s.Types("A\r")
			}
			s.Await(ready)
			if err := s.Cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if status := s.Leaves(); status != 128+int(signal) || strings.Contains(s.All(), "goroutine") {
				t.Errorf("%s after %v: status %d; it said %.200q", words[0], signal, status, s.All())
			}
		}
	}
}

// A signal erases what is being typed before the last lines are logged, on however
// many rows it stands; what the peer has said stays.
func TestTerminalSignalErases(t *testing.T) {
	t.Parallel()
	for _, said := range []string{"", "login: "} {
		for _, typing := range []string{"half a line", strings.Repeat("long ", 40)} {
			c := calls(t, nil, "-v")
			c.awaitEditor()
			c.says(said)
			c.Await(said)
			c.Types(typing)
			c.Await(strings.Fields(typing)[len(strings.Fields(typing))-1])
			// By kill(2): for a ^C that is typed the kernel may throw away what is
			// written just after the signal.
			if err := c.Cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			c.Await("ended by signal\r\n")
			c.leaves(130)
			screen := strings.Join(c.Rows(), "\n")
			if strings.Contains(screen, "line") || strings.Contains(screen, "long") {
				t.Errorf("%q and %.20q: what was typed is left behind:\n%s", said, typing, screen)
			}
			if !strings.Contains(screen, "ready\n"+strings.TrimSpace(said)) || !strings.Contains(strings.ReplaceAll(screen, "\n", ""), "ended by signal") {
				t.Errorf("%q and %.20q: the screen shows\n%s", said, typing, screen)
			}
		}
	}
}

// A terminal that ^S has stopped delays neither the end of the conversation nor a signal,
// whatever waits to be shown there.
func TestTerminalStopped(t *testing.T) {
	t.Parallel()
	for _, options := range [][]string{nil, {"-v"}, {"-v", "--raw"}} {
		for _, s := range []syscall.Signal{0, syscall.SIGUSR1, syscall.SIGTERM} {
			t.Run(fmt.Sprint(options, s), func(t *testing.T) {
				t.Parallel()
				c := calls(t, nil, options...)
				c.awaitEditor()
				c.Stops()
				if err := c.Cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
				if s == syscall.SIGTERM {
					c.says("unseen")
					c.leaves(128 + int(s))
					return
				}
				c.peer.Close()
				c.leaves(0)
			})
		}
	}
}

// attacks are what a peer may send to take over a terminal.
var attacks = map[string]string{
	"title":                       "\x1b]0;pwned\a",
	"title, ended by ST":          "\x1b]2;pwned\x1b\\",
	"report of the title":         "\x1b[21t",
	"report of the cursor":        "\x1b[6n",
	"answerback":                  "\x05",
	"clipboard":                   "\x1b]52;c;cm0gLXJmIH4K\a",
	"end of a bracketed paste":    "\x1b[201~rm -rf ~\r",
	"C1 in UTF-8":                 "\u009d0;pwned\u009c\u009b21t",
	"C1 raw":                      "\x9d0;pwned\x9c\x9b21t",
	"C1 cut in two":               "\xc2",
	"screen dump":                 "\x1b[i\x1b[5i",
	"keys redefined":              "\x1bP1;1|17/0a\x1b\\",
	"backspace":                   "safe\b\b\b\bevil",
	"application keys, alternate": "\x1b[?1049h\x1b[?1h\x1b=",
	"shift out":                   "\x0e",
}

// No escape sequence of a peer reaches the terminal, neither in the editor nor
// where only standard output is one.
func TestTerminalIsSafe(t *testing.T) {
	t.Parallel()
	for name, attack := range attacks {
		c := calls(t, func(cmd *exec.Cmd) { cmd.Stdin = strings.NewReader("") })
		c.says(attack + "\n")
		c.peer.Close()
		c.leaves(0)
		shown := c.Ends()
		for _, r := range shown {
			if r < ' ' && r != '\n' && r != '\r' && r != '\t' || r >= 0x7f && r < 0xa0 || r == 0xfffd {
				t.Errorf("%s: %q reached the terminal in %q", name, r, shown)
			}
		}
		c = calls(t, nil)
		c.awaitEditor()
		c.Types("typing") // so that the editor redraws, by sequences of its own
		c.Shows("typing_")
		c.says(attack[:1])
		c.says(attack[1:] + "\nend\n")
		c.Shows("end", "typing_")
		if shown := c.All(); strings.Contains(shown, attack) || strings.ContainsAny(shown, "\a\x05\b\x0e\u009b\u009d") ||
			strings.Contains(shown, "\x1b]") || strings.Contains(shown, "\x1bP") || strings.Contains(shown, "\x9b") {
			t.Errorf("%s, while editing: %q", name, shown)
		}
	}
}

// --raw passes every key and every byte.
func TestTerminalRaw(t *testing.T) {
	t.Parallel()
	c := calls(t, nil, "--raw", "-v")
	c.Await("connected to")
	c.awaitEditor()
	keys := "\x03\x04\x1a\x1c\x11\x13\r\n\x7f\x1b[A\xff\x00"
	c.Types(keys)
	c.got.Await(keys)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	c.says(string(all))
	c.Await(string(all))
	c.peer.Close()
	c.Await("\r\n") // the line about the end begins at the left edge
	c.leaves(0)
}

// A shell behind a terminal of its own, served by socat, feels like a login.
func TestTerminalRemoteShell(t *testing.T) {
	t.Parallel()
	socat := script.Peer(t, "socat")
	path := filepath.Join(t.TempDir(), "s")
	server := exec.Command(socat, "-d", "-d", "UNIX-LISTEN:"+path, "EXEC:sh,pty,setsid,ctty,stderr")
	server.Env = append(os.Environ(), "PS1=remote> ", "ENV=")
	said, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	script.NewStream(t, said).Await("listening on")
	s := script.Sit(t, 80, gcatCmd("--raw", path))
	s.Await("remote> ")
	s.Types("echo $((6*7)); stty -a | grep -o isig\r")
	s.Await("\r\n42\r\n")
	s.Await("isig\r\nremote> ")
	s.Types("cat\rone\r")
	s.Await("one\r\none\r\n")
	s.Types("\x03") // interrupts the cat over there
	s.Await("remote> ")
	s.Types("exit\r")
	if status := s.Leaves(); status != 0 {
		t.Errorf("status %d", status)
	}
	if mode := s.Mode(); mode != script.OwnMode {
		t.Errorf("left behind: %s", mode)
	}
}

// A terminal that cannot erase (a shell within Emacs) edits its lines itself, and gets
// no escape sequences.
func TestTerminalDumb(t *testing.T) {
	t.Parallel()
	c := calls(t, func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"env", "TERM=dumb", cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/usr/bin/env"
	}, "--progress")
	c.awaitEditor()
	if mode := c.Mode(); mode != script.OwnMode {
		t.Errorf("the mode is %s", mode)
	}
	c.Types("hello\r")
	c.got.Await("hello\n")
	c.says("ne\x1bws\n")
	c.Await("ne^[ws")
	c.peer.Close()
	c.leaves(0)
	if strings.Contains(c.All(), "\x1b") {
		t.Errorf("%q", c.All())
	}
}

// On no terminal the meter is silent, and nothing is shown in disguise.
func TestNoTerminal(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := start(t, nil, "--progress", l.Addr().String())
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(peer, "\x1b[2J\x9b\a"); err != nil {
		t.Fatal(err)
	}
	peer.Close()
	p.ends(0, "\x1b[2J\x9b\a", "")
}
