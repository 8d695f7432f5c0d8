package script

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// limit is how long an event that has to come may take.
const limit = 30 * time.Second

// OwnMode is what [Screen.Mode] says of an unchanged terminal.
const OwnMode = "icanon echo isig opost icrnl"

// A Screen is a terminal with a process on it, as a person sees it who sits
// there: a test types, and waits for what the screen shows.
type Screen struct {
	*Stream // what is written to the terminal
	Cmd     *exec.Cmd

	t    testing.TB
	tty  *os.File
	cols int
	gone chan struct{}
}

// Sit starts cmd on a new terminal of that many columns; those of cmd's streams
// that are set stay as they are.
func Sit(t testing.TB, cols int, cmd *exec.Cmd) *Screen {
	t.Helper()
	cmd.Env = append(cmd.Environ(), "TERM=vt100", "PS1=$ ", "PATH="+dir+":"+os.Getenv("PATH"))
	control := 0 // the first stream that is the terminal
	switch {
	case cmd.Stdin != nil && cmd.Stdout != nil:
		control = 2
	case cmd.Stdin != nil:
		control = 1
	}
	size := &pty.Winsize{Rows: 24, Cols: uint16(cols)}
	tty, err := pty.StartWithAttrs(cmd, size, &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: control})
	if err != nil {
		t.Fatal(err)
	}
	if tty, err = pollable(tty); err != nil {
		t.Fatal(err)
	}
	s := &Screen{Stream: NewStream(t, tty), Cmd: cmd, t: t, tty: tty, cols: cols, gone: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // Leaves looks at the state
		close(s.gone)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-s.gone
		_ = tty.Close()
	})
	return s
}

// pollable replaces f, whose reads block since its descriptor was asked for, by
// a file that can be closed while it is read.
func pollable(f *os.File) (*os.File, error) {
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// control calls use with the terminal's descriptor, and leaves it pollable.
func (s *Screen) control(use func(fd int) error) {
	s.t.Helper()
	raw, err := s.tty.SyscallConn()
	if err == nil {
		var failed error
		err = raw.Control(func(fd uintptr) { failed = use(int(fd)) })
		err = errors.Join(err, failed)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// HangUp closes the window: nothing can be read from the terminal or written to
// it any more, and the leader of its session gets a SIGHUP.
func (s *Screen) HangUp() {
	s.t.Helper()
	if err := s.tty.Close(); err != nil {
		s.t.Fatal(err)
	}
}

// Types types keys.
func (s *Screen) Types(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.tty, keys); err != nil {
		s.t.Fatal(err)
	}
}

// Resize changes the window.
func (s *Screen) Resize(cols int) {
	s.t.Helper()
	s.control(func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(cols)})
	})
}

// Stops stops the terminal as ^S does: a write to it blocks from now on.
func (s *Screen) Stops() {
	s.t.Helper()
	s.control(func(fd int) error {
		n, err := unix.IoctlGetUint32(fd, unix.TIOCGPTN)
		if err != nil {
			return err
		}
		process, err := unix.Open(fmt.Sprintf("/dev/pts/%d", n), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(process)
		return unix.IoctlSetInt(process, unix.TCXONC, unix.TCOOFF)
	})
}

// Leaves waits for the end of the process and returns its status as a shell
// does.
func (s *Screen) Leaves() int {
	s.t.Helper()
	select {
	case <-s.gone:
	case <-time.After(limit):
		s.t.Fatalf("still there; the screen shows\n%s", strings.Join(s.Rows(), "\n"))
	}
	ws := s.Cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}

// Mode names the flags of the terminal that tell whose it is: [OwnMode] before
// and after.
func (s *Screen) Mode() string {
	s.t.Helper()
	var m *unix.Termios
	s.control(func(fd int) (err error) {
		m, err = unix.IoctlGetTermios(fd, unix.TCGETS)
		return err
	})
	var on []string
	for _, f := range []struct {
		name string
		on   bool
	}{
		{"icanon", m.Lflag&unix.ICANON != 0}, {"echo", m.Lflag&unix.ECHO != 0}, {"isig", m.Lflag&unix.ISIG != 0},
		{"opost", m.Oflag&unix.OPOST != 0}, {"icrnl", m.Iflag&unix.ICRNL != 0},
	} {
		if f.on {
			on = append(on, f.name)
		}
	}
	return strings.Join(on, " ")
}

// Shows waits until the screen ends with these rows, with _ for the cursor.
func (s *Screen) Shows(rows ...string) {
	s.t.Helper()
	want := strings.Join(rows, "\n")
	ok := s.until(func() bool {
		all := s.Rows()
		return len(all) >= len(rows) && strings.Join(all[len(all)-len(rows):], "\n") == want
	})
	if !ok {
		s.t.Fatalf("the screen shows\n%s\nwant\n%s\n(%q)", strings.Join(s.Rows(), "\n"), want, s.All())
	}
}

// Rows is what the screen shows after all that was written to it, with _ for
// the cursor; see the function [Rows].
func (s *Screen) Rows() []string {
	return Rows(s.All(), s.cols)
}

// A Stream collects what comes from a file.
type Stream struct {
	t testing.TB

	mu   sync.Mutex
	all  []byte
	seen int // what Await has had
	grew chan struct{}
	over bool
	err  error // how it ended, unless by an end of file
}

// NewStream collects from r until it ends.
func NewStream(t testing.TB, r io.Reader) *Stream {
	s := &Stream{t: t, grew: make(chan struct{}, 1)}
	go s.collect(r)
	return s
}

func (s *Stream) collect(r io.Reader) {
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		s.mu.Lock()
		s.all = append(s.all, buf[:n]...)
		s.over = err != nil
		if err != io.EOF {
			s.err = err
		}
		s.mu.Unlock()
		select {
		case s.grew <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// All is what has come so far.
func (s *Stream) All() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.all)
}

// Await waits for text, and returns what came before it and with it since the
// last Await.
func (s *Stream) Await(text string) string {
	s.t.Helper()
	var before string
	ok := s.until(func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		i := bytes.Index(s.all[s.seen:], []byte(text))
		if i < 0 {
			return false
		}
		i += len(text)
		before = string(s.all[s.seen : s.seen+i])
		s.seen += i
		return true
	})
	if !ok {
		s.t.Fatalf("no %q in %q", text, s.All()[s.seen:])
	}
	return before
}

// Ends waits for the end of the file and returns all that came.
func (s *Stream) Ends() string {
	s.t.Helper()
	ok := s.until(func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.over
	})
	if !ok {
		s.t.Fatalf("no end after %q", s.All())
	}
	return s.All()
}

// Err is what cut the file short that [Stream.Ends] has waited for; nil is an
// end in order.
func (s *Stream) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// until waits until found, and reports whether it did before the limit and the
// end.
func (s *Stream) until(found func() bool) bool {
	late := time.After(limit)
	for {
		s.mu.Lock()
		over := s.over
		s.mu.Unlock()
		if found() {
			return true
		}
		if over {
			return false
		}
		select {
		case <-s.grew:
		case <-late:
			return false
		}
	}
}
