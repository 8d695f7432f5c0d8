package tty

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// A Terminal is a terminal as one side of a conversation. Read returns what the user
// enters, line by line or, in raw mode, key by key; Write shows what the peer sends.
type Terminal struct {
	out     *os.File
	through io.ReadWriter
	stop    func()
	mode    *mode
	modeMu  sync.Mutex // guards the terminal's mode and left
	left    bool       // the terminal has its own mode for good
	closed  chan struct{}

	editor *editor // nil if raw

	showing sync.Mutex // guards safe
	safe    Safe       // escapes the peer's text

	lines []byte // entered and not yet read
}

// Options are the options of [Open]. The zero value edits lines.
type Options struct {
	// Raw passes every key and all that the peer sends unchanged, for a shell at
	// the other end.
	Raw bool
	// Stop is called for ^Z with the terminal in its own mode, and must return when
	// the process is continued; nil does not stop it.
	Stop func()
	// Through reads and writes the terminal; nil is the two files.
	Through io.ReadWriter
}

// opened is the process's terminal, whose own mode has to be restored.
var opened atomic.Pointer[Terminal]

// Open opens the terminal that in and out belong to, the process's only one. With
// [Options.Raw] only in must be a terminal.
func Open(in, out *os.File, o Options) (*Terminal, error) {
	m, err := newMode(int(in.Fd()), o.Raw)
	if err == nil && !o.Raw && !erases() {
		err = errors.New("the terminal cannot erase")
	}
	if err != nil {
		return nil, err
	}
	t := &Terminal{out: out, through: o.Through, stop: o.Stop, mode: m, closed: make(chan struct{})}
	if t.through == nil {
		t.through = struct {
			io.Reader
			io.Writer
		}{in, out}
	}
	if !o.Raw {
		width, height := window(out)
		t.editor = newEditor(t.through, width, height)
	}
	opened.Store(t)
	t.follow()
	if err := t.set(); err != nil {
		t.leave()
		return nil, err
	}
	return t, nil
}

// Restore restores the mode of the terminal that was opened last, if any, for good. It
// may be called at any time, more than once. Every early end of the process must call
// it.
func Restore() {
	if t := opened.Load(); t != nil {
		t.leave()
	}
}

// OnPanic, deferred in a goroutine, restores the terminal when the goroutine
// panics, and lets the panic go on.
func OnPanic() {
	if reason := recover(); reason != nil {
		Restore()
		panic(reason)
	}
}

// Read returns lines with their newlines, and [io.EOF] for ^D; in raw mode, keys.
func (t *Terminal) Read(p []byte) (int, error) {
	defer OnPanic()
	if t.editor == nil {
		return t.through.Read(p)
	}
	if len(t.lines) == 0 {
		t.resize() // some systems have no signal for it
		line, err := t.editor.line()
		switch {
		case errors.Is(err, ErrInterrupt):
			t.leave()
			if self, err := os.FindProcess(os.Getpid()); err == nil {
				_ = self.Signal(os.Interrupt)
			}
			return 0, io.EOF
		case err != nil:
			return 0, err
		}
		t.lines = []byte(line)
	}
	n := copy(p, t.lines)
	t.lines = t.lines[n:]
	return n, nil
}

// Write shows what the peer sends, in raw mode unchanged, otherwise as [Safe] does.
func (t *Terminal) Write(p []byte) (int, error) {
	defer OnPanic()
	if t.editor == nil {
		return t.through.Write(p)
	}
	t.showing.Lock()
	defer t.showing.Unlock()
	if err := t.editor.show(string(t.safe.append(nil, p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush shows an incomplete character of the peer, at its EOF. The user may still type.
func (t *Terminal) Flush() error {
	if t.editor == nil {
		return nil
	}
	t.showing.Lock()
	defer t.showing.Unlock()
	if rest := t.safe.rest(); len(rest) > 0 {
		return t.editor.show(string(rest))
	}
	return nil
}

// Notice shows a line of the command itself above the line that is being typed.
// Without line editing, Notice writes it to stderr, which is the same screen.
func (t *Terminal) Notice(line []byte, stderr io.Writer) error {
	t.modeMu.Lock()
	left := t.left
	t.modeMu.Unlock()
	switch {
	case !left && t.editor != nil:
		return t.editor.notice(string(line))
	case !left: // in raw mode a newline does not return to the left edge
		line = bytes.ReplaceAll(line, []byte("\n"), []byte("\r\n"))
	}
	_, err := stderr.Write(line)
	return err
}

// leave restores the terminal's own mode for good, and erases the line that is being
// typed. Later text appears below the earlier text. A [Terminal.Read] that waits for a key
// goes on waiting.
func (t *Terminal) leave() {
	t.modeMu.Lock()
	defer t.modeMu.Unlock()
	if t.left {
		return
	}
	t.left = true
	close(t.closed)
	_ = t.mode.restore() // the terminal may have gone
	if t.editor != nil && foreground(t.mode.fd) {
		briefly(t.editor.leave)
	}
}

// screenLimit is how long a write at the end may take: a terminal that ^S has stopped must
// not delay the end.
const screenLimit = 100 * time.Millisecond

// briefly waits until use returns, at most screenLimit.
func briefly(use func()) {
	done := make(chan struct{})
	go func() { // ends with the process if the terminal stays stopped
		defer close(done)
		use()
	}()
	select {
	case <-done:
	case <-time.After(screenLimit):
	}
}

// restore sets the terminal's own mode, until set.
func (t *Terminal) restore() {
	t.modeMu.Lock()
	defer t.modeMu.Unlock()
	if !t.left {
		_ = t.mode.restore()
	}
}

// set sets our mode, unless the terminal has been left.
func (t *Terminal) set() error {
	t.modeMu.Lock()
	defer t.modeMu.Unlock()
	if t.left {
		return nil
	}
	return t.mode.set()
}

// resize sets the editor's size to that of the window.
func (t *Terminal) resize() {
	if t.editor != nil {
		t.editor.resize(window(t.out))
	}
}

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool { return f != nil && term.IsTerminal(int(f.Fd())) }

// erases reports whether the process's terminal has escape sequences. One that has none,
// such as a shell within Emacs, sets TERM=dumb.
func erases() bool { return os.Getenv("TERM") != "dumb" }

// window returns the columns and rows of the terminal f; 80 and 24 if they are not known.
func window(f *os.File) (width, height int) {
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}
