package broker

import (
	"bytes"
	"fmt"
	"sync"
	"unicode/utf8"

	"gcat/internal/tty"
)

// longestLine is how many bytes of a line are passed on at once; a longer one
// is told in several.
const longestLine = 4 << 10

// A chatter tells the others, line by line, what a peer says. It puts a name in
// front that nobody chooses, and nothing in a line can look like another line
// or do anything to a terminal.
type chatter struct {
	member *Member
	name   string

	mu   sync.Mutex
	line []byte // begun
	part bool   // it goes on where another was told, for its length
	once sync.Once
}

func newChatter(s *Member) *chatter {
	return &chatter{member: s, name: fmt.Sprintf("user%d", s.Number)}
}

// enter introduces the peer to the others, and the others to it.
func (c *chatter) enter() {
	hello := fmt.Sprintf("* you are %s", c.name)
	if others := c.member.room.others(c.member); len(others) > 0 {
		hello += fmt.Sprintf(", with %d more", len(others))
	}
	c.member.push([]byte(hello + "\n"))
	c.member.room.broadcast(c.member, fmt.Appendf(nil, "* %s has joined\n", c.name))
}

// leave tells the others, once.
func (c *chatter) leave() {
	c.once.Do(func() {
		c.flush()
		c.member.room.broadcast(c.member, fmt.Appendf(nil, "* %s has left\n", c.name))
	})
}

// say passes on the lines that p ends, and keeps the one that it begins.
func (c *chatter) say(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		part := p
		if end >= 0 {
			part = p[:end]
		}
		part = part[:min(len(part), longestLine-len(c.line))]
		c.line = append(c.line, part...)
		p = p[len(part):]
		switch {
		case len(p) > 0 && p[0] == '\n':
			p = p[1:]
			c.end()
		case len(c.line) == longestLine:
			c.tell(whole(c.line))
			c.part = true
		}
	}
}

// flush passes on a line that will not be ended any more.
func (c *chatter) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.line) > 0 {
		c.end()
	}
}

// end passes on what is left of the line, which may be nothing if most of it was
// told before. The caller holds c.mu.
func (c *chatter) end() {
	c.line = bytes.TrimSuffix(c.line, []byte("\r"))
	if len(c.line) > 0 || !c.part {
		c.tell(len(c.line))
	}
	c.part = false
}

// whole is how much of a line can be told while more of it comes: a character
// that is not complete is not torn apart, nor is a CR from its LF.
func whole(line []byte) int {
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

// tell passes n bytes of the line on. The caller holds c.mu.
func (c *chatter) tell(n int) {
	var shown bytes.Buffer
	fmt.Fprintf(&shown, "<%s> ", c.name)
	safe := tty.Safe{W: &shown}
	line := bytes.ReplaceAll(c.line[:n], []byte("\r"), []byte("^M"))
	_, _ = safe.Write(line) // a buffer takes everything
	_ = safe.Flush()
	shown.WriteByte('\n')
	c.line = append(c.line[:0], c.line[n:]...)
	c.member.room.broadcast(c.member, shown.Bytes())
}
