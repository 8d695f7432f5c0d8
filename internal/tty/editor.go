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

// maxLine is the longest line that x/term edits, in characters; the bell rings
// for each that is typed after it, as a terminal's own line editing does.
const maxLine = 4096

// An editor is x/term's line editor with what it lacks for a conversation: the
// end of what the peer has said stays in front of what is being typed, as a
// prompt does.
//
// That end, partial, is at first only on the screen, where the editor does not
// know of it. With the first key it is handed over to the editor as its prompt
// (owned): from then on the editor erases and redraws it with the typed line.
type editor struct {
	tty io.ReadWriter

	// mu is held by everything that touches the fields below or the screen,
	// and so by the reading goroutine except while it waits for a key.
	mu      sync.Mutex
	term    *term.Terminal
	keys    keys
	read    [256]byte
	ahead   []byte // keys that the editor has not had yet
	ended   error  // why no more keys come, once ahead is used up
	screen  []byte // what has to be written to it
	partial string
	owned   bool
	width   int  // of the window, in columns
	returns bool // the terminal itself puts a return before a newline

	abandoned bool // nothing is edited any more

	// typing is set while something typed may stand on the screen.
	typing atomic.Bool
}

// errHandOver makes the editor return and draw its prompt.
var errHandOver = errors.New("draw the prompt")

func newEditor(tty io.ReadWriter, width, height int) *editor {
	e := &editor{tty: tty, width: width}
	e.term = term.NewTerminal(wire{e}, "")
	e.term.AutoCompleteCallback = func(line string, _ int, key rune) (string, int, bool) {
		if key >= ' ' && utf8.RuneCountInString(line) >= maxLine {
			e.screen = append(e.screen, '\a')
		}
		return "", 0, false
	}
	_ = e.term.SetSize(width, height)
	return e
}

// line returns the next line that the user has entered, its newline included.
// [io.EOF] is ^D on an empty line.
func (e *editor) line() (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.flush()
	for {
		line, err := e.term.ReadLine()
		if errors.Is(err, errHandOver) {
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

// wire is the terminal as the editor sees it.
type wire struct{ e *editor }

// Read gives the editor the next keys. It is called with e.mu held and holds it
// again when it returns.
func (w wire) Read(p []byte) (int, error) {
	e := w.e
	if len(e.ahead) == 0 && e.ended == nil {
		e.await()
		if len(e.ahead) > 0 && e.partial != "" && !e.owned && !e.abandoned {
			e.erasePartial()
			e.setPartial(e.partial, true)
			return 0, errHandOver
		}
	}
	n := copy(p, e.ahead)
	e.ahead = e.ahead[n:]
	if len(e.ahead) == 0 {
		return n, e.ended
	}
	return n, nil
}

// Write takes what the editor draws.
func (w wire) Write(p []byte) (int, error) {
	if !w.e.abandoned {
		w.e.screen = append(w.e.screen, p...)
	}
	return len(p), nil
}

// await waits for keys with e.mu released.
func (e *editor) await() {
	e.flush()
	e.mu.Unlock()
	n, err := e.tty.Read(e.read[:])
	e.mu.Lock()
	ahead, typedErr := e.keys.append(e.ahead[:0], e.read[:n])
	e.ahead, e.ended = ahead, errors.Join(typedErr, err)
	if errors.Is(e.ended, io.EOF) {
		e.ended = io.EOF
	}
	if len(ahead) > 0 && !e.abandoned {
		e.typing.Store(true)
	}
}

// show puts text of the peer on the screen, before what is being typed. It must
// not contain escape sequences.
func (e *editor) show(text string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.abandoned {
		return e.print(text)
	}
	all := text
	if e.owned {
		all = e.partial + text // the editor erases its prompt: write it anew
	}
	end := strings.LastIndexByte(all, '\n') + 1
	if e.owned && len(all)-end > maxPrompt {
		all += "\n" // too long to be drawn again and again
		end = len(all)
	}
	head, tail := all[:end], all[end:]
	if end == 0 && !e.owned {
		tail = e.partial + tail
	}
	e.term.SetPrompt(prompt(tail))
	before := len(e.screen)
	if _, err := e.term.Write([]byte(head)); err != nil {
		return err
	}
	// When there is nothing of its own on the screen, the editor just writes.
	// Otherwise it has erased and redrawn, which takes escape sequences.
	if drew := bytes.IndexByte(e.screen[before:], 0x1b) >= 0; drew {
		e.setPartial(tail, true)
		return e.flush()
	}
	rest := tail
	if end == 0 {
		rest = text
	}
	e.screen = append(e.screen, rest...)
	e.setPartial(tail, false)
	return e.flush()
}

// notice puts a line of our own on the screen, above what is being typed and
// above the peer's last words if they are not a whole line yet.
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
	if partial != "" && !e.owned {
		e.erasePartial()
	}
	if _, err := e.term.Write([]byte(line)); err != nil {
		return err
	}
	if partial != "" && !e.owned {
		e.screen = append(e.screen, partial...)
	}
	return e.flush()
}

// abandon erases what is being typed. From then on what is shown goes to the screen
// as it is, and nothing is drawn again.
func (e *editor) abandon() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.abandoned {
		return
	}
	// Writing makes x/term erase the line, write and draw the line again: all
	// behind the mark is cut off.
	mark, before := []byte{0}, len(e.screen)
	_, _ = e.term.Write(mark)
	if i := bytes.Index(e.screen[before:], mark); i >= 0 {
		e.screen = e.screen[:before+i]
	}
	if e.owned {
		e.screen = append(e.screen, e.partial...)
	}
	e.abandoned = true // keys on their way are not drawn
	e.typing.Store(e.owned)
	_ = e.flush()
}

// print writes text to the screen, and notes whether it ends within a line.
func (e *editor) print(text string) error {
	e.screen = append(e.screen, strings.ReplaceAll(text, "\n", "\r\n")...)
	e.partial = (e.partial + text)[strings.LastIndexByte(e.partial+text, '\n')+1:]
	e.typing.Store(e.partial != "" && e.typing.Load())
	return e.flush()
}

// resize follows the window.
func (e *editor) resize(width, height int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.width = width
	_ = e.term.SetSize(width, height)
	_ = e.flush()
}

// redraw draws the typed line again, after something else has written on the
// screen.
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

// maxPrompt is how much of a line without an end is kept as a prompt, in bytes.
const maxPrompt = 1000

// setPartial notes the end of what the peer has said, and whether the editor
// draws it.
func (e *editor) setPartial(partial string, owned bool) {
	if len(partial) > maxPrompt && !owned {
		partial = "" // it stays on the screen, where it is
	}
	e.partial, e.owned = partial, owned && partial != ""
	if e.owned {
		e.term.SetPrompt(prompt(partial))
	} else {
		e.term.SetPrompt("")
	}
}

// erasePartial removes the peer's last words from the screen, row by row. The
// cursor is behind them; where they fill a row, the terminal has not gone to the
// next one yet.
func (e *editor) erasePartial() {
	length := utf8.RuneCountInString(prompt(e.partial))
	for ; length > e.width; length -= e.width {
		e.screen = append(e.screen, "\r\x1b[K\x1b[A"...)
	}
	e.screen = append(e.screen, "\r\x1b[K"...)
}

// prompt is how the end of what the peer has said looks on the screen: after
// its last return to the left edge, with tabs as blanks.
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
