package tty

import (
	"errors"
	"io"
	"unicode/utf8"
)

// ErrInterrupt reports that ^C was typed on a terminal that does not turn it into a
// signal.
var ErrInterrupt = errors.New("interrupted")

// keys is a terminal whose keys x/term can read: it would wait for ever behind bytes that
// are not UTF-8 and behind an escape sequence without an end, and takes ^C for ^D.
type keys struct {
	io.Reader
	io.Writer
	begun       []byte // an incomplete character
	sequence    int    // bytes so far of an incomplete escape sequence
	interrupted bool   // ^C was read
}

// maxSequence is more than the length of any function key's escape sequence, in bytes.
const maxSequence = 16

// Read reads into p, which has space for a few bytes, complete characters.
func (k *keys) Read(p []byte) (int, error) {
	n := copy(p, k.begun)
	more, err := k.Reader.Read(p[n:])
	p, n = p[:n+more], 0
	for n < len(p) && utf8.FullRune(p[n:]) {
		r, width := utf8.DecodeRune(p[n:])
		c := p[n]
		switch r {
		case utf8.RuneError:
			c = '\a' // rings the bell
		case 0:
			// A ^D that was typed before we changed the mode has ended a line of the
			// terminal's own editing, and is read as NUL (n_tty.c).
			c = 4
		case 3:
			k.interrupted = true
		}
		if c = k.follow(c); c != p[n] {
			for i := range width {
				p[n+i] = c // a part of a character is not UTF-8
			}
		}
		n += width
	}
	k.begun = append(k.begun[:0], p[n:]...)
	return n, err
}

// follow follows an escape sequence, and returns c, or what x/term takes for c.
func (k *keys) follow(c byte) byte {
	letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '~'
	switch k.sequence++; {
	case k.sequence == 1 && c != 0x1b:
		k.sequence = 0
	case k.sequence == 2 && c == 'O':
		return '[' // the arrow keys of some terminals begin so
	case k.sequence > 1 && letter:
		k.sequence = 0
	case k.sequence > maxSequence:
		k.sequence = 0
		return '~'
	}
	return c
}

// cause returns the error for one of x/term's.
func (k *keys) cause(err error) error {
	if err == io.EOF && k.interrupted {
		return ErrInterrupt
	}
	return err
}
