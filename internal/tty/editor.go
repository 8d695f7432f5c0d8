package tty

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"
)

const (
	// maxLine is the longest line that x/term edits, in characters.
	maxLine = 4096
	// maxPrompt is the longest incomplete line of the peer that is kept in front of the
	// typed line, in bytes.
	maxPrompt = 1000
	// tabPicture stands for a tab in the typed line, where x/term takes each character
	// for one column.
	tabPicture = "␉"
)

// An editor is x/term's line editor for a conversation: an incomplete line of the peer
// stays in front of the line that is being typed, as a prompt does.
//
// x/term draws a prompt only when it begins to read a line. Until the next key the
// editor itself writes the incomplete line.
type editor struct {
	// mu guards the fields below and the screen. The reading goroutine releases it
	// only while it waits for a key.
	mu      sync.Mutex
	term    *term.Terminal
	keys    keys
	read    [256]byte
	pending []byte // keys that x/term has not read, within read
	screen  []byte // not yet written to the terminal
	partial string // the incomplete line of the peer
	width   int    // of the window, in columns
	left    bool   // there is no editing any more
}

// errNewPrompt makes x/term return, so that it draws its new prompt.
var errNewPrompt = errors.New("draw the prompt")

func newEditor(tty io.ReadWriter, width, height int) *editor {
	e := &editor{keys: keys{Reader: tty, Writer: tty}, width: width}
	e.term = term.NewTerminal(e, "")
	e.term.AutoCompleteCallback = e.key
	_ = e.term.SetSize(width, height)
	return e
}

// key handles a key that x/term does not: it inserts a tab, and rings the bell for a
// control character, and for a character that is one too many.
func (e *editor) key(line string, pos int, key rune) (newLine string, newPos int, ok bool) {
	switch full := utf8.RuneCountInString(line) >= maxLine; {
	case key == '\t' && !full:
		return line[:pos] + tabPicture + line[pos:], pos + len(tabPicture), true
	case key < ' ' || full:
		e.screen = append(e.screen, '\a')
	}
	return "", 0, false
}

// line returns the next line that the user enters, with its newline; [io.EOF] for ^D
// on an empty line, and [ErrInterrupt] for ^C.
func (e *editor) line() (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.flush()
	for {
		e.erasePartial() // x/term draws it, as its prompt
		line, err := e.term.ReadLine()
		switch {
		case errors.Is(err, errNewPrompt):
			continue
		case err != nil && !errors.Is(err, term.ErrPasteIndicator):
			return "", e.keys.cause(err)
		}
		e.partial = ""
		e.term.SetPrompt("")
		return strings.ReplaceAll(line, tabPicture, "\t") + "\n", nil
	}
}

// Read returns the next keys to x/term. The caller holds e.mu, which Read releases while
// it waits.
func (e *editor) Read(p []byte) (int, error) {
	if len(e.pending) == 0 {
		_ = e.flush() // a terminal that has gone fails the read, too
		e.mu.Unlock()
		n, err := e.keys.Read(e.read[:])
		e.mu.Lock()
		if n == 0 {
			return 0, err
		}
		e.pending = e.read[:n]
		if e.partial != "" && !e.left && !e.drawn() {
			return 0, errNewPrompt
		}
	}
	n := copy(p, e.pending)
	e.pending = e.pending[n:]
	return n, nil
}

// Write buffers what x/term draws.
func (e *editor) Write(p []byte) (int, error) {
	if !e.left {
		e.screen = append(e.screen, p...)
	}
	return len(p), nil
}

// show shows text of the peer above, or in front of, the line that is being typed. It
// must not contain escape sequences.
func (e *editor) show(text string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	text = e.partial + text
	end := strings.LastIndexByte(text, '\n') + 1
	return e.draw(text[:end], text[end:])
}

// notice shows lines of our own above the line that is being typed, and above an
// incomplete line of the peer. Without lines it only draws those two again.
func (e *editor) notice(lines string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.draw(lines, e.partial)
}

// draw writes lines in place of the peer's incomplete line and the typed line. Below
// them it draws partial, which is the incomplete line from then on, and the typed line.
func (e *editor) draw(lines, partial string) error {
	if e.left {
		e.screen = append(e.screen, lines+partial...)
		return e.flush()
	}
	drawn := e.drawn()
	if !drawn {
		e.erasePartial()
	}
	if len(partial) > maxPrompt { // too long to be drawn again with each key
		lines, partial = lines+partial, ""
		if drawn {
			lines += "\n"
		}
	}
	e.partial = partial
	e.term.SetPrompt(visible(partial))
	_, _ = e.term.Write([]byte(lines)) // into the buffer
	if !drawn {
		e.screen = append(e.screen, visible(partial)...)
	}
	return e.flush()
}

// drawn reports whether something of x/term's is on the screen: its prompt, the typed
// line, or both. Only then does x/term draw them again with what it writes.
func (e *editor) drawn() bool {
	before := len(e.screen)
	_, _ = e.term.Write(nil)
	drawn := len(e.screen) > before
	e.screen = e.screen[:before]
	return drawn
}

// erasePartial erases the peer's incomplete line, which is not x/term's prompt, row by
// row from its end, where the cursor is. Behind a full row the cursor is still in that
// row.
func (e *editor) erasePartial() {
	if e.partial == "" {
		return
	}
	for length := utf8.RuneCountInString(visible(e.partial)); length > e.width; length -= e.width {
		e.screen = append(e.screen, "\r\x1b[K\x1b[A"...)
	}
	e.screen = append(e.screen, "\r\x1b[K"...)
}

// leave erases the typed line, completes the peer's line, and ends the editing: later
// text is written to the screen as it is.
func (e *editor) leave() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.drawn() {
		// x/term erases its lines, writes the mark and draws them again. All from the
		// mark on is cut off.
		mark, before := []byte{0}, len(e.screen)
		_, _ = e.term.Write(mark)
		e.screen = e.screen[:before+bytes.Index(e.screen[before:], mark)]
		e.screen = append(e.screen, visible(e.partial)...)
	}
	if e.partial != "" {
		e.screen = append(e.screen, '\n')
	}
	e.partial, e.left = "", true
	_ = e.flush() // the terminal may have gone
}

// resize sets the size of the window.
func (e *editor) resize(width, height int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.width = width
	_ = e.term.SetSize(width, height)
	_ = e.flush() // the terminal may have gone
}

// visible returns what a terminal shows of an incomplete line: the part after its last
// carriage return, with a blank for a tab, whose width x/term does not know.
func visible(partial string) string {
	partial = strings.TrimRight(partial, "\r")
	partial = partial[strings.LastIndexByte(partial, '\r')+1:]
	return strings.ReplaceAll(partial, "\t", " ")
}

// flush writes the buffered output to the terminal.
func (e *editor) flush() error {
	if len(e.screen) == 0 {
		return nil
	}
	_, err := e.keys.Write(e.screen)
	e.screen = e.screen[:0]
	return err
}
