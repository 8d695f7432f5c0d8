//go:build linux

package tty

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// limit is how long a test waits for an event that has to come.
const limit = 30 * time.Second

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
	die := func(s os.Signal) {
		_, _ = fmt.Fprintf(entered, "<%v>", s)
		os.Exit(100)
	}
	t, err := Open(os.Stdin, os.Stdout, Options{Raw: mode == "raw", Die: die})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer t.Close()
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
			_, _ = io.WriteString(t.Notices(), text[8:]+"\n")
		default:
			_, _ = t.Write(buf[:n])
		}
		_, _ = io.WriteString(entered, "<shown>")
	}
}

// A person sits at a terminal, with a child process on it.
type person struct {
	t       *testing.T
	cmd     *exec.Cmd
	tty     *os.File
	entered *stream // what the child read from the terminal
	peer    *os.File
	screen  *stream // what the child wrote to the terminal
	gone    chan error
}

// sit starts cmd, or the child if it is nil, on a new terminal.
func sit(t *testing.T, mode string, cmd *exec.Cmd) *person {
	t.Helper()
	if cmd == nil {
		cmd = exec.Command(os.Args[0])
	}
	cmd.Env = append(cmd.Environ(), "TTY_TEST_CHILD="+mode, "TERM=vt100", "PS1=$ ")
	enteredR, enteredW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	peerR, peerW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.ExtraFiles = []*os.File{enteredW, peerR}
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 40})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = enteredW.Close(), peerR.Close()
	p := &person{t: t, cmd: cmd, tty: tty, peer: peerW, gone: make(chan error, 1)}
	p.entered, p.screen = newStream(t, enteredR), newStream(t, tty)
	go func() { p.gone <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_, _, _, _ = tty.Close(), peerW.Close(), enteredR.Close(), cmd
	})
	return p
}

func (p *person) types(keys string) {
	p.t.Helper()
	if _, err := io.WriteString(p.tty, keys); err != nil {
		p.t.Fatal(err)
	}
}

// says lets the peer say something, and waits until it has been shown.
func (p *person) says(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.peer, text); err != nil {
		p.t.Fatal(err)
	}
	p.entered.await("<shown>")
}

// leaves waits for the end of the process and returns its status.
func (p *person) leaves() int {
	p.t.Helper()
	select {
	case err := <-p.gone:
		p.gone <- err
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return exit.ExitCode()
		}
		return 0
	case <-time.After(limit):
		p.t.Fatal("still there")
		return -1
	}
}

// flags are the local modes of the terminal that tell whose it is.
func (p *person) flags() string {
	p.t.Helper()
	m, err := unix.IoctlGetTermios(int(p.tty.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	var s []string
	for _, f := range []struct {
		name string
		on   bool
	}{{"icanon", m.Lflag&unix.ICANON != 0}, {"echo", m.Lflag&unix.ECHO != 0}, {"isig", m.Lflag&unix.ISIG != 0}, {"opost", m.Oflag&unix.OPOST != 0}, {"icrnl", m.Iflag&unix.ICRNL != 0}} {
		if f.on {
			s = append(s, f.name)
		}
	}
	return strings.Join(s, " ")
}

const ownMode = "icanon echo isig opost icrnl"

// A stream collects what comes from a file.
type stream struct {
	t    *testing.T
	text chan []byte
	seen []byte // since the last await
	all  []byte
}

func newStream(t *testing.T, r io.Reader) *stream {
	s := &stream{t: t, text: make(chan []byte, 1024)}
	go s.collect(r)
	return s
}

// collect ends with its file.
func (s *stream) collect(r io.Reader) {
	defer close(s.text)
	for {
		buf := make([]byte, 4096)
		n, err := r.Read(buf)
		if n > 0 {
			s.text <- buf[:n]
		}
		if err != nil {
			return
		}
	}
}

// await waits for text, and returns what came before it.
func (s *stream) await(text string) string {
	s.t.Helper()
	before, ok := s.until(func(seen []byte) int {
		if i := bytes.Index(seen, []byte(text)); i >= 0 {
			return i + len(text)
		}
		return -1
	})
	if !ok {
		s.t.Fatalf("no %q in %q", text, s.seen)
	}
	return before
}

func (s *stream) until(found func([]byte) int) (string, bool) {
	late := time.After(limit)
	for {
		if end := found(s.seen); end >= 0 {
			before := string(s.seen[:end])
			s.seen = s.seen[end:]
			return before, true
		}
		select {
		case text, ok := <-s.text:
			if !ok {
				return "", false
			}
			s.seen, s.all = append(s.seen, text...), append(s.all, text...)
		case <-late:
			return "", false
		}
	}
}

// rows is what a terminal of 40 columns shows after all that was written to it,
// with _ for the cursor.
func (s *stream) rows() []string {
	rows, x, y := [][]rune{nil}, 0, 0
	for rest := []rune(string(s.all)); len(rest) > 0; {
		c := rest[0]
		rest = rest[1:]
		switch {
		case c == '\r':
			x = 0
		case c == '\n':
			y++
		case c == '\x1b':
			n, i := 0, 1
			for ; rest[i] >= '0' && rest[i] <= '9'; i++ {
				n = n*10 + int(rest[i]-'0')
			}
			n = max(n, 1)
			switch rest[i] {
			case 'A':
				y = max(0, y-n)
			case 'B':
				y += n
			case 'C':
				x += n
			case 'D':
				x = max(0, min(x, 39)-n)
			case 'K':
				rows[y] = rows[y][:min(len(rows[y]), x)]
			}
			rest = rest[i+1:]
		default:
			if x == 40 {
				x, y = 0, y+1
			}
			for len(rows) <= y {
				rows = append(rows, nil)
			}
			for len(rows[y]) <= x {
				rows[y] = append(rows[y], ' ')
			}
			rows[y][x] = c
			x++
		}
		for len(rows) <= y {
			rows = append(rows, nil)
		}
	}
	for len(rows[y]) <= x {
		rows[y] = append(rows[y], ' ')
	}
	rows[y] = append(rows[y][:x:x], append([]rune{'_'}, rows[y][x:]...)...)
	var lines []string
	for _, r := range rows {
		lines = append(lines, strings.TrimRight(string(r), " "))
	}
	return lines
}

// shows waits until the screen ends with these rows.
func (p *person) shows(rows ...string) {
	p.t.Helper()
	_, ok := p.screen.until(func(seen []byte) int {
		if all := p.screen.rows(); len(all) >= len(rows) && strings.Join(all[len(all)-len(rows):], "\n") == strings.Join(rows, "\n") {
			return len(seen)
		}
		return -1
	})
	if !ok {
		p.t.Fatalf("the screen shows\n%s\nwant\n%s\n(%q)", strings.Join(p.screen.rows(), "\n"), strings.Join(rows, "\n"), p.screen.all)
	}
}

// What arrives does not scramble what is being typed.
func TestTypingAndShowing(t *testing.T) {
	p := sit(t, "edit", nil)
	p.entered.await("<ready>")
	if got := p.flags(); got != "isig opost" {
		t.Errorf("while editing: %s", got)
	}
	p.types("half a li")
	p.shows("half a li_")
	p.says("news\n")
	p.shows("news", "half a li_")
	p.says("more ")
	p.shows("more half a li_")
	p.says("of it\nand")
	p.shows("news", "more of it", "andhalf a li_")
	p.types("ne\r")
	if got := p.entered.await("\n"); got != "half a line\n" {
		t.Errorf("sent %q", got)
	}
	p.shows("andhalf a line", "_")
	p.says("login: ")
	p.shows("login: _")
	p.types("me")
	p.shows("login: me_")
	p.says("\x1b[2J\x1b]0;x\a\n")
	p.shows("login: ^[[2J^[]0;x^G", "me_")
	p.types("\r")
	p.entered.await("me\n")
	// A line that needs two rows, with the peer's words in front of it.
	p.says("> ")
	p.types(strings.Repeat("0123456789", 4))
	p.shows("> 01234567890123456789012345678901234567", "89_")
	p.says("here\n> ")
	p.shows("> here", "> 01234567890123456789012345678901234567", "89_")
	p.types("\x15x\r") // ^U
	p.entered.await("x\n")
}

// Keys that a line editor has.
func TestEditing(t *testing.T) {
	p := sit(t, "edit", nil)
	p.entered.await("<ready>")
	for _, test := range []struct{ keys, sent string }{
		{"first\r", "first\n"}, {"second\n", "second\n"},
		{"\x1b[A\r", "second\n"}, {"\x1b[A\x1b[A\x1b[A!\r", "first!\n"},
		{"ab\x1b[Dx\r", "axb\n"}, {"ab\x1bODx\r", "axb\n"}, {"word word\x17\x7f!\r", "word!\n"},
		{"a\tb\r", "a\tb\n"}, {"caf\xe9 ü\r", "caf\xe9 ü\n"}, {"\x16\x1b[m\r", "\x1b[m\n"},
		{"b\x01a\x05c\r", "bac\n"[1:2] + "bc\n"}, {"abc\x02\x0b\r", "ab\n"}, {"\r", "\n"},
		{"\x1b[200~pasted\x1b[201~\r", "pasted\n"},
	} {
		p.types(test.keys)
		if got := p.entered.await("\n"); got != test.sent {
			t.Errorf("%q: sent %q, want %q", test.keys, got, test.sent)
		}
	}
}

// ^D ends what we say; the peer goes on, and ^C still ends it all.
func TestEndOfInput(t *testing.T) {
	p := sit(t, "edit", nil)
	p.entered.await("<ready>")
	p.types("last\r\x04")
	p.entered.await("last\n<eof>")
	p.says("still here\n")
	p.shows("still here", "_")
	p.types("\x03")
	p.entered.await("<interrupt>")
	if status := p.leaves(); status != 100 {
		t.Errorf("status %d", status)
	}
	if got := p.flags(); got != ownMode {
		t.Errorf("left behind: %s", got)
	}
}

// Raw, every key goes to the peer, and all of its bytes to the screen.
func TestRaw(t *testing.T) {
	p := sit(t, "raw", nil)
	p.entered.await("<ready>")
	if got := p.flags(); got != "" {
		t.Errorf("raw: %s", got)
	}
	p.types("\x03\x04\x1a\r\x1b[A\xff")
	p.entered.await("\x03\x04\x1a\r\x1b[A\xff")
	p.says("\x1b[31m\x9b\n")
	p.screen.await("\x1b[31m\x9b\n")
	p.says("<notice>told")
	_ = p.peer.Close()
	if status := p.leaves(); status != 0 {
		t.Errorf("status %d", status)
	}
	if got := p.flags(); got != ownMode {
		t.Errorf("left behind: %s", got)
	}
}

// A line of our own does not run into the peer's, nor into ours.
func TestNotice(t *testing.T) {
	p := sit(t, "edit", nil)
	p.entered.await("<ready>")
	p.says("login: ")
	p.says("<notice>gcat: connected")
	p.shows("gcat: connected", "login: _")
	p.types("me")
	p.shows("login: me_")
	p.says("<notice>gcat: still there")
	p.shows("gcat: connected", "gcat: still there", "login: me_")
	_ = p.peer.Close()
	p.leaves()
	p.shows("login: me", "_")
}

// However the process ends, the terminal is as it was.
func TestRestored(t *testing.T) {
	ways := map[string]func(*person){
		"end of the peer": func(p *person) { _ = p.peer.Close() },
		"panic":           func(p *person) { _, _ = io.WriteString(p.peer, "<panic>") },
	}
	for _, s := range Ending {
		ways[s.String()] = func(p *person) { _ = p.cmd.Process.Signal(s) }
	}
	for name, way := range ways {
		for _, mode := range []string{"edit", "raw"} {
			t.Run(mode+" "+name, func(t *testing.T) {
				p := sit(t, mode, nil)
				p.entered.await("<ready>")
				way(p)
				p.leaves()
				if got := p.flags(); got != ownMode {
					t.Errorf("left behind: %s", got)
				}
			})
		}
	}
}

// ^Z stops the job with the terminal in its own mode; fg brings back ours and
// the line that was being typed.
func TestStopAndContinue(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil && os.Getenv("GCAT_REQUIRE_PEERS") != "" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip("no bash here")
	}
	p := sit(t, "edit", exec.Command(bash, "--norc", "--noprofile", "--noediting", "-i"))
	p.screen.await("$ ")
	p.types(os.Args[0] + "\n")
	for range 3 {
		p.entered.await("<ready>")
		p.types("typed")
		p.screen.await("typed")
		p.types("\x1a")
		p.screen.await("Stopped")
		p.screen.await("$ ")
		if got := p.flags(); got != ownMode {
			t.Errorf("stopped: %s", got)
		}
		p.types("fg\n")
		p.screen.await("fg")
		p.screen.await("typed") // drawn again
		if got := p.flags(); got != "isig opost" {
			t.Errorf("continued: %s", got)
		}
		p.types(" on\r")
		p.entered.await("typed on\n")
		p.types("\x03")
		p.screen.await("$ ")
		if got := p.flags(); got != ownMode {
			t.Errorf("ended: %s", got)
		}
		p.types(os.Args[0] + "\n")
	}
}

// The line follows the width of the window.
func TestResize(t *testing.T) {
	p := sit(t, "edit", nil)
	p.entered.await("<ready>")
	p.types(strings.Repeat("x", 30))
	p.screen.await(strings.Repeat("x", 30))
	if err := pty.Setsize(p.tty, &pty.Winsize{Rows: 24, Cols: 20}); err != nil {
		t.Fatal(err)
	}
	p.screen.await(strings.Repeat("x", 20) + "\r\r\n" + strings.Repeat("x", 10))
}

// A process that nobody can continue does not stop for ever.
func TestStopOrphaned(t *testing.T) {
	p := sit(t, "edit", nil)
	p.entered.await("<ready>")
	p.types("a\x1ab\r")
	if got := p.entered.await("\n"); !strings.HasSuffix(got, "b\n") { // the signal may flush the keys before it
		t.Errorf("sent %q", got)
	}
	// And one that SIGSTOP has stopped takes its terminal back.
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p.types("c\r")
	p.entered.await("c\n")
}
