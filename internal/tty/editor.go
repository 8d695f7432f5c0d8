package tty

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/term"
)

// maxLine is the longest line that x/term edits, in characters. As in a terminal's own
// line editing, the bell rings for each further character.
const maxLine = 4096

// An editor is x/term's line editor for a conversation: an incomplete line of the peer
// stays in front of the line that is being typed, as a prompt does.
//
// At first x/term does not know of that incomplete line (partial). With the first key
// it becomes x/term's prompt (prompted), which x/term erases and redraws with the
// typed line.
type editor struct {
	tty io.ReadWriter

	// mu guards the fields below and the screen. The reading goroutine releases it
	// only while it waits for a key.
	mu       sync.Mutex
	term     *term.Terminal
	keys     keys
	read     [256]byte
	pending  []byte // keys that x/term has not read
	failed   error  // the error after pending
	screen   []byte // not yet written to the terminal
	partial  string
	prompted bool
	width    int  // of the window, in columns
	returns  bool // the terminal itself adds a return to a newline

	abandoned bool // there is no editing any more

	// typing reports whether typed characters may be on the screen.
	typing atomic.Bool
}

// errNewPrompt makes x/term return, so that it draws its new prompt.
var errNewPrompt = errors.New("draw the prompt")

func newEditor(tty io.ReadWriter, width, height int) *editor {
	e := &editor{tty: tty, width: width}
	e.term = term.NewTerminal(keysAndScreen{e}, "")
	e.term.AutoCompleteCallback = func(line string, _ int, key rune) (string, int, bool) {
		if key >= ' ' && utf8.RuneCountInString(line) >= maxLine {
			e.screen = append(e.screen, '\a')
		}
		return "", 0, false
	}
	_ = e.term.SetSize(width, height)
	return e
}

// line returns the next line that the user enters, with its newline; [io.EOF] for ^D
// on an empty line.
func (e *editor) line() (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.flush()
	for {
		line, err := e.term.ReadLine()
		if errors.Is(err, errNewPrompt) {
			continue
		}
		if err != nil && !errors.Is(err, term.ErrPasteIndicator) {
			return "", err
		}
		e.typing.Store(false)
		e.setPartial("", false)
		return typed(line) + "\n", nil
	}
}

// keysAndScreen is what x/term reads from and writes to.
type keysAndScreen struct{ e *editor }

// Read returns the next keys. The caller holds e.mu, which Read releases while it
// waits.
func (k keysAndScreen) Read(p []byte) (int, error) {
	e := k.e
	if len(e.pending) == 0 && e.failed == nil {
		e.readKeys()
		if len(e.pending) > 0 && e.partial != "" && !e.prompted && !e.abandoned {
			e.erasePartial()
			e.setPartial(e.partial, true)
			return 0, errNewPrompt
		}
	}
	n := copy(p, e.pending)
	e.pending = e.pending[n:]
	if len(e.pending) == 0 {
		return n, e.failed
	}
	return n, nil
}

// Write buffers what x/term draws.
func (k keysAndScreen) Write(p []byte) (int, error) {
	if !k.e.abandoned {
		k.e.screen = append(k.e.screen, p...)
	}
	return len(p), nil
}

// readKeys waits for keys with e.mu released.
func (e *editor) readKeys() {
	e.flush()
	e.mu.Unlock()
	n, err := e.tty.Read(e.read[:])
	e.mu.Lock()
	pending, interrupted := e.keys.append(e.pending[:0], e.read[:n])
	e.pending, e.failed = pending, errors.Join(interrupted, err)
	if errors.Is(e.failed, io.EOF) {
		e.failed = io.EOF
	}
	if len(pending) > 0 && !e.abandoned {
		e.typing.Store(true)
	}
}

// show shows text of the peer above, or in front of, the line that is being typed. It
// must not contain escape sequences.
func (e *editor) show(text string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.abandoned {
		return e.print(text)
	}
	all := text
	if e.prompted {
		all = e.partial + text // x/term erases its prompt
	}
	end := strings.LastIndexByte(all, '\n') + 1
	if e.prompted && len(all)-end > maxPrompt {
		all += "\n" // too long to be redrawn with each key
		end = len(all)
	}
	head, tail := all[:end], all[end:]
	if end == 0 && !e.prompted {
		tail = e.partial + tail
	}
	e.term.SetPrompt(prompt(tail))
	before := len(e.screen)
	if _, err := e.term.Write([]byte(head)); err != nil {
		return err
	}
	// x/term just writes if nothing of its own is on the screen. Otherwise it erases
	// and redraws, which takes escape sequences.
	if drew := bytes.IndexByte(e.screen[before:], 0x1b) >= 0; drew {
		e.setPartial(tail, true)
		return e.flush()
	}
	rest := tail
	if end == 0 {
		rest = text // the partial line is on the screen
	}
	e.screen = append(e.screen, rest...)
	e.setPartial(tail, false)
	return e.flush()
}

// notice shows a line of our own above the line that is being typed, and above an
// incomplete line of the peer.
func (e *editor) notice(line string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	partial := e.partial
	if e.abandoned {
		if partial != "" {
			line = "\n" + line
		}
		return e.print(line)
	}
	if partial != "" && !e.prompted {
		e.erasePartial()
	}
	if _, err := e.term.Write([]byte(line)); err != nil {
		return err
	}
	if partial != "" && !e.prompted {
		e.screen = append(e.screen, partial...)
	}
	return e.flush()
}

// abandon erases the line that is being typed, and ends the editing: later text is
// written to the screen as it is.
func (e *editor) abandon() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.abandoned {
		return
	}
	// x/term erases the line, writes the mark and redraws the line. All from the
	// mark on is cut off.
	mark, before := []byte{0}, len(e.screen)
	_, _ = e.term.Write(mark)
	if i := bytes.Index(e.screen[before:], mark); i >= 0 {
		e.screen = e.screen[:before+i]
	}
	if e.prompted {
		e.screen = append(e.screen, e.partial...)
	}
	e.abandoned = true
	e.typing.Store(e.prompted)
	_ = e.flush()
}

// print writes text to the screen, after the editing has ended.
func (e *editor) print(text string) error {
	e.screen = append(e.screen, strings.ReplaceAll(text, "\n", "\r\n")...)
	e.partial = (e.partial + text)[strings.LastIndexByte(e.partial+text, '\n')+1:]
	e.typing.Store(e.partial != "" && e.typing.Load())
	return e.flush()
}

// resize sets the size of the window.
func (e *editor) resize(width, height int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.width = width
	_ = e.term.SetSize(width, height)
	_ = e.flush()
}

// redraw draws the line again, after another process has written on the screen.
func (e *editor) redraw() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.abandoned {
		return
	}
	before := len(e.screen)
	_, _ = e.term.Write(nil)
	if len(e.screen) == before {
		e.screen = append(e.screen, e.partial...)
	}
	_ = e.flush()
}

// maxPrompt is the longest incomplete line that is kept as a prompt, in bytes.
const maxPrompt = 1000

// setPartial sets the incomplete line of the peer, and whether it is x/term's prompt.
func (e *editor) setPartial(partial string, prompted bool) {
	if len(partial) > maxPrompt && !prompted {
		partial = "" // it stays on the screen, above the typed line
	}
	e.partial, e.prompted = partial, prompted && partial != ""
	if e.prompted {
		e.term.SetPrompt(prompt(partial))
	} else {
		e.term.SetPrompt("")
	}
}

// erasePartial erases the incomplete line of the peer, row by row from its end, where
// the cursor is. Behind a full row the cursor is still in that row.
func (e *editor) erasePartial() {
	length := utf8.RuneCountInString(prompt(e.partial))
	for ; length > e.width; length -= e.width {
		e.screen = append(e.screen, "\r\x1b[K\x1b[A"...)
	}
	e.screen = append(e.screen, "\r\x1b[K"...)
}

// prompt returns what is visible of an incomplete line: the part after its last
// carriage return, with tabs as blanks.
func prompt(partial string) string {
	partial = strings.TrimRight(partial, "\r")
	partial = partial[strings.LastIndexByte(partial, '\r')+1:]
	if !strings.Contains(partial, "\t") {
		return partial
	}
	var b strings.Builder
	column := 0
	for _, r := range partial {
		if r != '\t' {
			b.WriteRune(r)
			column++
			continue
		}
		for b.WriteByte(' '); column%8 != 7; column++ {
			b.WriteByte(' ')
		}
		column++
	}
	return b.String()
}

// flush writes the buffered output to the terminal.
func (e *editor) flush() error {
	if len(e.screen) == 0 {
		return nil
	}
	if e.returns {
		e.screen = bytes.ReplaceAll(e.screen, []byte("\r\n"), []byte("\n"))
	}
	_, err := e.tty.Write(e.screen)
	e.screen = e.screen[:0]
	return err
}
