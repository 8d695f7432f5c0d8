package tty

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// A Terminal is a terminal as one side of a conversation. Read returns what the user
// enters, line by line or, in raw mode, key by key; Write shows what the peer sends.
type Terminal struct {
	Options
	out    *os.File
	mode   *mode
	modeMu sync.Mutex     // guards the terminal's mode and left
	left   bool           // the terminal has its own mode for good
	jobs   chan os.Signal // closed when left
	editor *editor        // nil if raw
	lines  []byte         // entered and not yet read
}

// Options are the options of [Open].
type Options struct {
	// Raw passes every key unchanged, for a shell at the other end; otherwise lines are
	// edited.
	Raw bool
	// Stop is called for ^Z with the terminal in its own mode, and must return when
	// the process is continued.
	Stop func()
	// Through reads and writes the terminal.
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
	t := &Terminal{Options: o, out: out, mode: m, jobs: make(chan os.Signal, 8)}
	if !o.Raw {
		width, height := window(out)
		t.editor = newEditor(o.Through, width, height)
	}
	opened.Store(t)
	t.follow()
	if err := t.unlessLeft(m.set); err != nil {
		t.leave()
		return nil, err
	}
	return t, nil
}

// Restore removes the meter, and restores the mode of the terminal that is open, if any,
// for good. It may be called at any time, more than once. Every early end of the process
// must call it.
func Restore() {
	running.Load().stop()
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
		return t.Through.Read(p)
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

// Write shows what the peer sends; unless the terminal is raw, it must come through [Safe].
func (t *Terminal) Write(p []byte) (int, error) {
	if t.editor == nil {
		return t.Through.Write(p)
	}
	return len(p), t.editor.show(string(p))
}

// Notice shows lines of the command itself, which stderr writes to standard error: above
// the line that is being typed, and without disturbing the meter. It blocks while ^S has
// stopped the terminal.
func Notice(lines []byte, stderr io.Writer) (int, error) {
	t := opened.Load()
	switch {
	case t == nil || !IsTerminal(os.Stderr) || t.hasLeft():
		return Around(stderr).Write(lines)
	case t.editor != nil:
		return len(lines), t.editor.notice(string(lines))
	}
	// In raw mode a newline does not return to the left edge.
	_, err := stderr.Write(bytes.ReplaceAll(lines, []byte("\n"), []byte("\r\n")))
	return len(lines), err
}

// hasLeft reports whether leave has been called; it waits for a call that has not returned.
func (t *Terminal) hasLeft() bool {
	t.modeMu.Lock()
	defer t.modeMu.Unlock()
	return t.left
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
	signal.Stop(t.jobs)
	close(t.jobs)
	_ = t.mode.restore() // the terminal may have gone
	if t.editor != nil && foreground(t.mode.fd) {
		briefly(t.editor.leave)
	}
	opened.CompareAndSwap(t, nil)
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

// unlessLeft calls change, which changes the mode, unless the terminal has been left.
func (t *Terminal) unlessLeft(change func() error) error {
	t.modeMu.Lock()
	defer t.modeMu.Unlock()
	if t.left {
		return nil
	}
	return change()
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
