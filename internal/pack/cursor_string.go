package pack

import (
	"bytes"
	"encoding/hex"
	"io"
	"math"
)

// toTheEnd is the count of an item that takes all that is left, and the length of a string
// that ends at a NUL.
const toTheEnd = math.MaxInt64

// string decodes a string of any length: piece by piece, but for JSON, whose form of it
// depends on whether all of it is UTF-8.
func (c *cursor) string(p *op) error {
	begins := c.at
	left, err := c.length(p)
	if err != nil {
		return err
	}
	if c.d.o.JSON && p.kind != hexBytes {
		return c.jsonString(p, left)
	}
	quote := ""
	switch {
	case c.d.o.JSON:
		quote = `"`
	case c.d.o.Shell && p.kind != hexBytes:
		quote = "'"
	}
	c.ready = append(c.before(c.ready, p, c.element), quote...)
	c.nuls = 0
	for end := false; !end; {
		b := c.bytes()
		n, there := p.extent(b, left)
		end = there
		n = c.piece(p, b[:n], end)
		if p.kind == terminated && c.d.o.tooLong(c.at-begins+int64(n)) {
			return c.atOffset(c.d.o.over("string"), begins)
		}
		c.pass(p, n)
		left -= int64(n)
		if !end {
			left, err = c.waitFor(p, left)
		}
		if err != nil {
			return err
		}
	}
	c.ready = append(c.ready, quote...)
	if p.kind == terminated {
		c.pass(p, 1)
	}
	return nil
}

// length returns the length of a string, and takes the integer that holds it.
func (c *cursor) length(p *op) (int64, error) {
	switch {
	case p.kind == hexBytes:
		return int64(p.width), nil
	case p.kind == terminated:
		return toTheEnd, nil
	case p.kind == bytesOf:
		n, err := c.countOf(p)
		if err == nil && p.counter > 0 && c.d.o.tooLong(n) {
			err = c.atOffset(c.d.o.over("string"), c.at)
		}
		return n, err
	}
	w, n, err := c.integer(p, p.length)
	if err != nil {
		return 0, err
	}
	size, ok := w.size()
	if !ok || c.d.o.tooLong(size) {
		return 0, c.atOffset(p.length.lengthError(w, &c.d.o), c.at)
	}
	c.pass(p, n)
	return size, nil
}

// extent is how many bytes of b belong to a string of which left bytes are to come, and
// whether its end is among them.
func (it *item) extent(b []byte, left int64) (int, bool) {
	if it.kind == terminated {
		if i := bytes.IndexByte(b, 0); i >= 0 {
			return i, true
		}
	}
	if int64(len(b)) >= left {
		return int(left), true
	}
	return len(b), false
}

// waitFor reads on for a string of which left bytes are to come, and returns left, which
// the end of the input may settle.
func (c *cursor) waitFor(p *op, left int64) (int64, error) {
	lacks := left - int64(len(c.bytes()))
	if p.kind == terminated {
		lacks = 1
	}
	err := c.more(p, lacks)
	if err == io.EOF && p.kind == bytesOf && p.Rest {
		return int64(len(c.bytes())), nil
	}
	return left, err
}

// piece writes a part of a string and returns how many bytes of it were taken.
func (c *cursor) piece(p *op, b []byte, end bool) int {
	n := len(b)
	if p.kind == hexBytes {
		start := len(c.ready)
		c.ready = c.d.escapeField(hex.AppendEncode(c.ready, b), start)
		return n
	}
	if c.d.o.Trim && p.kind == bytesOf {
		b = bytes.TrimRight(b, "\x00")
		if len(b) > 0 {
			for ; c.nuls > 0; c.nuls-- {
				c.ready = c.d.piece(c.ready, p, []byte{0})
			}
		}
		if len(b) < n {
			c.nuls += int64(n - len(b))
			end = true
		}
	}
	if c.d.o.Raw {
		c.ready = c.d.piece(c.ready, p, b)
		return n
	}
	dst, k := p.escape.append(c.ready, b, end)
	c.ready = dst
	return n - (len(b) - k)
}

// jsonString decodes a string that is written when all of it is there.
func (c *cursor) jsonString(p *op, left int64) error {
	n := 0 // bytes that have been searched for the end
	for {
		more, end := p.extent(c.bytes()[n:], left-int64(n))
		n += more
		if c.d.o.tooLong(int64(n)) || left < toTheEnd && c.d.o.tooLong(left) {
			return c.atOffset(c.d.o.over("string"), c.at)
		}
		if end {
			break
		}
		var err error
		if left, err = c.waitFor(p, left); err != nil {
			return err
		}
	}
	text := c.bytes()[:n]
	if c.d.o.Trim && p.kind == bytesOf {
		text = bytes.TrimRight(text, "\x00")
	}
	q := quotesOf(text)
	c.ready = append(c.before(c.ready, p, c.element), q[0]...)
	for k := 0; len(text) > 0; text = text[k:] {
		c.ready, k = q.piece(c.ready, text)
		if err := c.spill(); err != nil {
			return err
		}
	}
	c.ready = append(c.ready, q[1]...)
	if p.kind == terminated {
		n++
	}
	c.pass(p, n)
	return nil
}

// pascal decodes a string whose first byte is its length.
func (c *cursor) pascal(p *op) error {
	size := p.Count
	if p.Rest {
		size = toTheEnd
	}
	for {
		b, length := c.bytes(), min(size, 1)
		if length > 0 && len(b) > 0 {
			length += min(int64(b[0]), size-1)
		}
		if int64(len(b)) >= length {
			c.ready = c.d.text(c.before(c.ready, p, c.element), p, pascalString(b[:length]))
			c.pass(p, int(length))
			return nil
		}
		err := c.more(p, size-int64(len(b)))
		if err == io.EOF && p.Rest {
			size = int64(len(c.bytes()))
		} else if err != nil {
			return err
		}
	}
}
