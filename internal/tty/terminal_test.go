//go:build linux

package tty

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"gcat/internal/cli"
	"gcat/internal/testing/script"
)

func init() { _ = os.Setenv("TERM", "vt100") } // with "dumb" there is no editing

// ending are signals that end a process which does not catch them, and that a
// terminal or another process may send.
var ending = []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGALRM, syscall.SIGTERM}

// TestMain is also the process at the terminal: it passes what is entered to
// descriptor 3, line by line, and shows what comes from descriptor 4.
func TestMain(m *testing.M) {
	if mode := os.Getenv("TTY_TEST_CHILD"); mode != "" {
		os.Exit(child(mode))
	}
	os.Exit(m.Run())
}

func child(mode string) int {
	entered, peer := os.NewFile(3, "entered"), os.NewFile(4, "peer")
	cli.Catch(func(s os.Signal) {
		Restore()
		_, _ = fmt.Fprintf(entered, "<%v>", s)
		os.Exit(100)
	}, ending...)
	t, err := Open(os.Stdin, os.Stdout, Options{Raw: mode == "raw", Stop: cli.Stop, Through: struct {
		io.Reader
		io.Writer
	}{os.Stdin, os.Stdout}})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer t.leave()
	var shown io.Writer = t
	if mode != "raw" {
		shown = &Safe{W: t}
	}
	_, _ = io.WriteString(entered, "<ready>")
	go func() {
		_, _ = io.Copy(entered, struct{ io.Reader }{t})
		_, _ = io.WriteString(entered, "<eof>")
	}()
	for r := bufio.NewReader(peer); ; {
		buf := make([]byte, 4096)
		n, err := r.Read(buf)
		switch text := string(buf[:n]); {
		case err != nil:
			return 0
		case text == "<panic>":
			defer OnPanic()
			panic("on purpose")
		case strings.HasPrefix(text, "<notice>"):
			_, _ = Notice([]byte(text[8:]+"\n"), os.Stderr)
		case text == "<leaving>":
			leaving := opened.Load()
			leaving.modeMu.Lock() // as leave does
			done := make(chan struct{})
			go func() { // ends when the line is written
				defer close(done)
				_, _ = Notice([]byte("late\n"), os.Stderr)
			}()
			leaving.left = true
			leaving.modeMu.Unlock()
			<-done
		default:
			_, _ = shown.Write(buf[:n])
		}
		_, _ = io.WriteString(entered, "<shown>")
	}
}

// A person sits at a terminal, with a child process on it.
type person struct {
	*script.Screen
	t       *testing.T
	entered *script.Stream // what the child read from the terminal
	peer    *os.File
}

// sit starts cmd, or the child if it is nil, on a new terminal.
func sit(t *testing.T, mode string, cmd *exec.Cmd) *person {
	t.Helper()
	if cmd == nil {
		cmd = exec.Command(os.Args[0])
	}
	cmd.Env = append(cmd.Environ(), "TTY_TEST_CHILD="+mode)
	enteredR, enteredW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	peerR, peerW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.ExtraFiles = []*os.File{enteredW, peerR}
	p := &person{Screen: script.Sit(t, 40, cmd), t: t, entered: script.NewStream(t, enteredR), peer: peerW}
	_, _ = enteredW.Close(), peerR.Close()
	t.Cleanup(func() { _, _ = peerW.Close(), enteredR.Close() })
	return p
}

// says lets the peer say something, and waits until it has been shown.
func (p *person) says(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.peer, text); err != nil {
		p.t.Fatal(err)
	}
	p.entered.Await("<shown>")
}

// Received text does not disturb the line that is being typed.
func TestTypingAndShowing(t *testing.T) {
	p := sit(t, "edit", nil)
	p.entered.Await("<ready>")
	if got := p.Mode(); got != "isig opost" {
		t.Errorf("while editing: %s", got)
	}
	p.Types("half a li")
	p.Shows("half a li_")
	p.says("news\n")
	p.Shows("news", "half a li_")
	p.says("more ")
	p.Shows("more half a li_")
	p.says("of it\nand")
	p.Shows("news", "more of it", "andhalf a li_")
	p.Types("ne\r")
	if got := p.entered.Await("\n"); got != "half a line\n" {
		t.Errorf("sent %q", got)
	}
	p.Shows("andhalf a line", "_")
	p.says("login: ")
	p.Shows("login: _")
	p.Types("me")
	p.Shows("login: me_")
	p.says("\x1b[2J\x1b]0;x\a\n")
	p.Shows("login: ^[[2J^[]0;x^G", "me_")
	p.Types("\r")
	p.entered.Await("me\n")
	// A line that needs two rows, with the peer's words in front of it.
	p.says("> ")
	p.Types(strings.Repeat("0123456789", 4))
	p.Shows("> 01234567890123456789012345678901234567", "89_")
	p.says("here\n> ")
	p.Shows("> here", "> 01234567890123456789012345678901234567", "89_")
	p.Types("\x15x\r") // ^U
	p.entered.Await("x\n")
}

// Keys that a line editor has.
func TestEditing(t *testing.T) {
	p := sit(t, "edit", nil)
	p.entered.Await("<ready>")
	for _, test := range []struct{ keys, sent string }{
		{"first\r", "first\n"}, {"second\n", "second\n"},
		{"\x1b[A\r", "second\n"}, {"\x1b[A\x1b[A\x1b[A!\r", "first!\n"},
		{"ab\x1b[Dx\r", "axb\n"}, {"ab\x1bODx\r", "axb\n"}, {"word word\x17\x7f!\r", "word!\n"},
		{"a\tb\r", "a\tb\n"}, {"ab\x1b[D\t\t\x7f\r", "a\tb\n"}, {"caf\xe9 ü\r", "caf ü\n"}, {"a\aü\x1b[15~\r", "aü\n"},
		{"b\x01a\x05c\r", "bac\n"[1:2] + "bc\n"}, {"abc\x02\x0b\r", "ab\n"}, {"\r", "\n"},
		{"\x1b[200~pasted\x1b[201~\r", "pasted\n"},
	} {
		p.Types(test.keys)
		if got := p.entered.Await("\n"); got != test.sent {
			t.Errorf("%q: sent %q, want %q", test.keys, got, test.sent)
		}
	}
}

// ^D ends the input; the peer may go on sending, and ^C still ends the process.
func TestEndOfInput(t *testing.T) {
	p := sit(t, "edit", nil)
	p.entered.Await("<ready>")
	p.Types("last\r\x04")
	p.entered.Await("last\n<eof>")
	p.says("still here\n")
	p.Shows("still here", "_")
	p.Types("\x03")
	p.entered.Await("<interrupt>")
	if status := p.Leaves(); status != 100 {
		t.Errorf("status %d", status)
	}
	if got := p.Mode(); got != script.OwnMode {
		t.Errorf("left behind: %s", got)
	}
}

// Raw, every key goes to the peer, and all of its bytes to the screen.
func TestRaw(t *testing.T) {
	p := sit(t, "raw", nil)
	p.entered.Await("<ready>")
	if got := p.Mode(); got != "" {
		t.Errorf("raw: %s", got)
	}
	p.Types("\x03\x04\x1a\r\x1b[A\xff")
	p.entered.Await("\x03\x04\x1a\r\x1b[A\xff")
	p.says("\x1b[31m\x9b\n")
	p.Await("\x1b[31m\x9b\n")
	p.says("<notice>told")
	_ = p.peer.Close()
	if status := p.Leaves(); status != 0 {
		t.Errorf("status %d", status)
	}
	if got := p.Mode(); got != script.OwnMode {
		t.Errorf("left behind: %s", got)
	}
}

// A line of our own does not run into the peer's, nor into ours.
func TestNotice(t *testing.T) {
	p := sit(t, "edit", nil)
	p.entered.Await("<ready>")
	p.says("login: ")
	p.says("<notice>gcat: connected")
	p.Shows("gcat: connected", "login: _")
	p.Types("me")
	p.Shows("login: me_")
	p.says("<notice>gcat: still there")
	p.Shows("gcat: connected", "gcat: still there", "login: me_")
	_ = p.peer.Close()
	p.Leaves()
	p.Shows("gcat: still there", "login:", "_") // what was not sent is erased
}

// A line that comes while the terminal is being left stands below the peer's last words.
func TestNoticeLeaving(t *testing.T) {
	p := sit(t, "edit", nil)
	p.entered.Await("<ready>")
	p.says("login: ")
	p.Types("me")
	p.Shows("login: me_")
	p.says("<leaving>")
	p.Shows("login: melate", "_")
	_ = p.peer.Close()
}

// However the process ends, the terminal is as it was.
func TestRestored(t *testing.T) {
	ways := map[string]func(*person){
		"end of the peer": func(p *person) { _ = p.peer.Close() },
		"panic":           func(p *person) { _, _ = io.WriteString(p.peer, "<panic>") },
	}
	for _, s := range ending {
		ways[s.String()] = func(p *person) { _ = p.Cmd.Process.Signal(s) }
	}
	for name, way := range ways {
		for _, mode := range []string{"edit", "raw"} {
			t.Run(mode+" "+name, func(t *testing.T) {
				p := sit(t, mode, nil)
				p.entered.Await("<ready>")
				way(p)
				p.Leaves()
				if got := p.Mode(); got != script.OwnMode {
					t.Errorf("left behind: %s", got)
				}
			})
		}
	}
}

// ^Z stops the job with the terminal in its own mode; fg brings back ours and
// the line that was being typed.
func TestStopAndContinue(t *testing.T) {
	bash := script.Peer(t, "bash")
	p := sit(t, "edit", exec.Command(bash, "--norc", "--noprofile", "--noediting", "-i"))
	p.Await("$ ")
	p.Types(os.Args[0] + "\n")
	for range 3 {
		p.entered.Await("<ready>")
		p.Types("typed")
		p.Await("typed")
		p.Types("\x1a")
		p.Await("Stopped")
		p.Await("$ ")
		if got := p.Mode(); got != script.OwnMode {
			t.Errorf("stopped: %s", got)
		}
		p.Types("fg\n")
		p.Await("fg")
		p.Await("typed") // drawn again
		if got := p.Mode(); got != "isig opost" {
			t.Errorf("continued: %s", got)
		}
		p.Types(" on\r")
		p.entered.Await("typed on\n")
		p.Types("\x03")
		p.Await("$ ")
		if got := p.Mode(); got != script.OwnMode {
			t.Errorf("ended: %s", got)
		}
		p.Types(os.Args[0] + "\n")
	}
}

// The line follows the width of the window.
func TestResize(t *testing.T) {
	p := sit(t, "edit", nil)
	p.entered.Await("<ready>")
	p.Types(strings.Repeat("x", 30))
	p.Await(strings.Repeat("x", 30))
	p.Resize(20)
	p.Await(strings.Repeat("x", 20) + "\r\r\n" + strings.Repeat("x", 10))
}

// A process that no shell can continue does not stop for ever.
func TestStopOrphaned(t *testing.T) {
	p := sit(t, "edit", nil)
	p.entered.Await("<ready>")
	p.Types("a\x1ab\r")
	if got := p.entered.Await("\n"); !strings.HasSuffix(got, "b\n") { // the signal may flush the keys before it
		t.Errorf("sent %q", got)
	}
	// And one that SIGSTOP has stopped takes its terminal back.
	if err := p.Cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := p.Cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p.Types("c\r")
	p.entered.Await("c\n")
}
