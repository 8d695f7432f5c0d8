package tty

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// A Terminal is a person's terminal as one side of a conversation.
// Reading gives what the person enters, line by line or, raw, key by key;
// writing shows what the peer says.
type Terminal struct {
	out     *os.File
	through io.ReadWriter
	stop    func()
	mode    *mode
	modeMu  sync.Mutex // guards the terminal's mode and ended
	ended   bool       // our mode is not to be set again
	closed  chan struct{}
	closing sync.Once

	editor *editor // nil if raw

	showing sync.Mutex // guards safe and text
	safe    *Safe      // what the peer says, made fit for the editor
	text    sink

	lines []byte // entered and not read yet
	eof   bool   // ^D
}

// Options say how a terminal is used. The zero value edits lines.
type Options struct {
	// Raw passes every key through, and shows all that the peer sends as it
	// is, for a shell at the other end.
	Raw bool
	// Stop is called for ^Z with the terminal in its own mode, and has to stop the
	// process until it is continued; nil leaves it running.
	Stop func()
	// Through is what reads and writes the terminal; nil means its two files.
	Through io.ReadWriter
}

// files are the two ends of a terminal.
type files struct {
	io.Reader
	io.Writer
}

// sink collects what is written to it.
type sink struct{ text []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.text = append(s.text, p...)
	return len(p), nil
}

// open are the terminals that have to get their own mode back.
var open struct {
	sync.Mutex
	terminals map[*Terminal]bool
}

// Open takes the terminal that in and out are the two ends of. With
// [Options.Raw] only in has to be a terminal.
func Open(in, out *os.File, o Options) (*Terminal, error) {
	m, err := newMode(int(in.Fd()), o.Raw)
	if err != nil {
		return nil, err
	}
	t := &Terminal{out: out, through: o.Through, stop: o.Stop, mode: m, closed: make(chan struct{})}
	if t.through == nil {
		t.through = files{in, out}
	}
	if !o.Raw {
		width, height, err := term.GetSize(int(out.Fd()))
		if err != nil || width <= 0 || height <= 0 {
			width, height = 80, 24
		}
		t.editor = newEditor(t.through, width, height)
		t.editor.returns = m.returns()
		t.safe = &Safe{W: &t.text}
	}
	open.Lock()
	defer open.Unlock()
	if open.terminals == nil {
		open.terminals = make(map[*Terminal]bool)
	}
	open.terminals[t] = true
	go t.follow(changes())
	if err := t.set(); err != nil {
		delete(open.terminals, t)
		close(t.closed)
		return nil, err
	}
	return t, nil
}

// Restore gives every open terminal its own mode back, for good. It may be
// called at any time and more than once; it is what the end of the process has
// to pass through, whatever the reason.
func Restore() {
	open.Lock()
	defer open.Unlock()
	for t := range open.terminals {
		t.leave()
		delete(open.terminals, t)
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

// Read implements [io.Reader]: lines with their newlines, io.EOF at ^D.
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
		case errors.Is(err, errInterrupt):
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

// interrupt does what ^C does, where it came as a key.
func (t *Terminal) interrupt() {
	t.leave()
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Signal(os.Interrupt)
	}
}

// Write implements [io.Writer]: it shows what the peer says. Unless the
// terminal is raw, control characters are shown as [Safe] shows them.
func (t *Terminal) Write(p []byte) (int, error) {
	defer OnPanic()
	if t.editor == nil {
		return t.through.Write(p)
	}
	t.showing.Lock()
	defer t.showing.Unlock()
	t.text.text = t.text.text[:0]
	_, _ = t.safe.Write(p) // a sink never fails
	if err := t.editor.show(string(t.text.text)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// CloseWrite says that the peer has nothing more to say. The person may go on.
func (t *Terminal) CloseWrite() error {
	if t.editor == nil {
		return nil
	}
	t.showing.Lock()
	defer t.showing.Unlock()
	t.text.text = t.text.text[:0]
	_ = t.safe.Flush()
	if len(t.text.text) == 0 {
		return nil
	}
	return t.editor.show(string(t.text.text))
}

// Notices is where diagnostics go that are meant for the same screen, which errors
// writes to: each line is shown above what is being typed.
func (t *Terminal) Notices(errors io.Writer) io.Writer { return notices{t, errors} }

type notices struct {
	t      *Terminal
	errors io.Writer
}

func (n notices) Write(p []byte) (int, error) {
	t := n.t
	t.modeMu.Lock()
	ended := t.ended
	t.modeMu.Unlock()
	switch {
	case ended:
		return n.errors.Write(p)
	case t.editor != nil:
		return len(p), t.editor.notice(string(p))
	}
	// Raw, a newline only goes down.
	line := make([]byte, 0, len(p)+2)
	for _, c := range p {
		if c == '\n' {
			line = append(line, '\r')
		}
		line = append(line, c)
	}
	if _, err := n.errors.Write(line); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close gives the terminal its own mode back and returns to the left edge if
// something typed would stay in front of what comes next. A [Terminal.Read]
// that waits for a key goes on waiting.
func (t *Terminal) Close() error {
	open.Lock()
	delete(open.terminals, t)
	open.Unlock()
	t.leave()
	return nil
}

// leave restores the mode for good.
func (t *Terminal) leave() {
	t.closing.Do(func() {
		close(t.closed)
		t.modeMu.Lock()
		defer t.modeMu.Unlock()
		t.ended = true
		_ = t.mode.restore() // no one else could be told
		if t.editor != nil && t.editor.typing.Load() && foreground(t.mode.fd) {
			t.newline()
		}
	})
}

// newline goes to the left edge below what was typed.
func (t *Terminal) newline() {
	briefly(func() { _, _ = t.out.WriteString("\n") })
}

// Abandon erases what is being typed: the conversation is about to end, and what is
// shown until then goes below what was shown before.
func (t *Terminal) Abandon() {
	if t.editor != nil {
		briefly(t.editor.abandon)
	}
}

// briefly waits until use of the screen has returned, for a moment at most: a
// terminal that ^S has stopped must not hold up the end.
func briefly(use func()) {
	done := make(chan struct{})
	go func() { // ends with the process if ^Q never comes
		defer close(done)
		use()
	}()
	select {
	case <-done:
	case <-time.After(100 * time.Millisecond):
	}
}

// restore gives the terminal its own mode back for a while.
func (t *Terminal) restore() {
	t.modeMu.Lock()
	defer t.modeMu.Unlock()
	if !t.ended {
		_ = t.mode.restore()
	}
}

// set gives the terminal our mode, unless t has been left.
func (t *Terminal) set() error {
	t.modeMu.Lock()
	defer t.modeMu.Unlock()
	if t.ended {
		return nil
	}
	return t.mode.set()
}

// resize tells the editor how large the window is.
func (t *Terminal) resize() {
	if t.editor == nil {
		return
	}
	if width, height, err := term.GetSize(int(t.out.Fd())); err == nil && width > 0 {
		t.editor.resize(width, height)
	}
}
