package tty

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
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
	eof   bool   // after ^D
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
		t.editor.returns = m.returns()
	}
	opened.Store(t)
	go t.follow(jobSignals())
	if err := t.set(); err != nil {
		t.leave()
		return nil, err
	}
	return t, nil
}

// Restore restores the mode of the terminal that was opened last, if any, for good. It
// may be called at any time, more than once. Every early end of the process must call
// it, or [Terminal.Close].
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

// Read returns lines with their newlines, and [io.EOF] after ^D; in raw mode, keys.
func (t *Terminal) Read(p []byte) (int, error) {
	defer OnPanic()
	if t.editor == nil {
		return t.through.Read(p)
	}
	if len(p) == 0 {
		return 0, nil
	}
	for len(t.lines) == 0 {
		if t.eof {
			return 0, io.EOF
		}
		line, err := t.editor.line()
		switch {
		case errors.Is(err, ErrInterrupt):
			t.interrupt()
			return 0, io.EOF
		case err == io.EOF:
			t.eof = true
		case err != nil:
			return 0, err
		}
		t.lines = append(t.lines, line...)
	}
	n := copy(p, t.lines)
	t.lines = t.lines[n:]
	return n, nil
}

// interrupt sends the process SIGINT, for a ^C that was read as a key.
func (t *Terminal) interrupt() {
	t.leave()
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Signal(os.Interrupt)
	}
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

// CloseWrite is called at the peer's EOF. The user may still type.
func (t *Terminal) CloseWrite() error {
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

// Close restores the terminal's own mode, and returns to the left edge if a typed line
// is on the screen. A [Terminal.Read] that waits for a key goes on waiting.
func (t *Terminal) Close() error {
	t.leave()
	return nil
}

// leave restores the mode for good.
func (t *Terminal) leave() {
	t.modeMu.Lock()
	defer t.modeMu.Unlock()
	if t.left {
		return
	}
	t.left = true
	close(t.closed)
	_ = t.mode.restore() // the terminal may have gone
	if t.editor != nil && t.editor.typing.Load() && foreground(t.mode.fd) {
		briefly(func() { _, _ = t.out.WriteString("\n") })
	}
}

// Abandon erases the line that is being typed, because the conversation is about to
// end. Later text appears below the earlier text.
func (t *Terminal) Abandon() {
	if t.editor != nil {
		briefly(t.editor.abandon)
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
