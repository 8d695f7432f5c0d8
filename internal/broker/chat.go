package broker

import (
	"bytes"
	"fmt"
	"sync"
	"unicode/utf8"

	"gcat/internal/tty"
)

// longestLine is the most bytes of a line that are sent at once; a longer line is
// sent in parts.
const longestLine = 4 << 10

// A chatter sends what a member writes to the others, line by line, behind a name
// that the room assigns. Control characters are escaped, so that a line can neither
// pass for another one nor control a terminal.
type chatter struct {
	member *Member
	name   string

	mu        sync.Mutex
	line      []byte // unfinished
	continued bool   // line continues one whose beginning was sent
	shown     bytes.Buffer
	safe      tty.Safe // writes to shown
}

// newChatter returns the chatter of a member, and sends the member its name and the number
// of the others.
func newChatter(m *Member, others int) *chatter {
	c := &chatter{member: m, name: fmt.Sprintf("user%d", m.Number)}
	c.safe.W = &c.shown
	hello := "* you are " + c.name
	if others > 0 {
		hello += fmt.Sprintf(", with %d more", others)
	}
	m.push([]byte(hello+"\n"), false)
	return c
}

// announce sends the others what the member has done.
func (c *chatter) announce(what string) {
	c.member.room.broadcast(c.member, fmt.Appendf(nil, "* %s has %s\n", c.name, what))
}

// write sends the lines that p completes, and keeps the rest of p.
func (c *chatter) write(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range p {
		if b == '\n' {
			c.end()
			continue
		}
		c.line = append(c.line, b)
		if len(c.line) == longestLine {
			c.send(sendable(c.line))
			c.continued = true
		}
	}
}

// flush sends an unfinished line.
func (c *chatter) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.line) > 0 {
		c.end()
	}
}

// end sends the rest of the line. There may be none if parts of the line were sent
// before. The caller holds c.mu.
func (c *chatter) end() {
	c.line = bytes.TrimSuffix(c.line, []byte("\r"))
	if len(c.line) > 0 || !c.continued {
		c.send(len(c.line))
	}
	c.continued = false
}

// sendable returns how many bytes of an unfinished line can be sent without splitting
// a UTF-8 character or CR from LF.
func sendable(line []byte) int {
	if n := len(line) - 1; line[n] == '\r' {
		return n
	}
	for n := len(line) - 1; n >= 0 && n > len(line)-utf8.UTFMax; n-- {
		if utf8.RuneStart(line[n]) && !utf8.FullRune(line[n:]) {
			return n
		}
	}
	return len(line)
}

// send sends the first n bytes of the line. The caller holds c.mu.
func (c *chatter) send(n int) {
	c.shown.Reset()
	c.shown.WriteString("<" + c.name + "> ")
	line := bytes.ReplaceAll(c.line[:n], []byte("\r"), []byte("^M"))
	_, _ = c.safe.Write(line) // a buffer takes everything
	_ = c.safe.Flush()
	c.shown.WriteByte('\n')
	c.line = append(c.line[:0], c.line[n:]...)
	c.member.room.broadcast(c.member, c.shown.Bytes())
}
