package pack

import (
	"bytes"
	"encoding/hex"
	"math"
)

// A cursor decodes strings piece by piece.

// string begins or goes on with a string of any length.
func (c *cursor) string(dst []byte, p *op, b []byte) ([]byte, int, error) {
	taken := 0
	if !c.inside {
		n, err := c.begin(p, b)
		if n < 0 || err != nil {
			return dst, 0, err
		}
		if len(b) == 0 && c.left > 0 && (p.kind == terminated || p.kind == hexBytes) {
			// At the end of the input there may be no further string.
			return dst, 0, c.want(p, c.left)
		}
		if whole, err := c.whole(p, b[n:]); !whole || err != nil {
			return dst, 0, err
		}
		dst = append(c.before(dst, p, c.element), c.quotes[0]...)
		c.inside = true
		b, taken = b[n:], n
	} else if p.kind == bytesOf && p.Rest && c.ended {
		c.left = int64(len(b))
	}
	end, n := false, len(b)
	counted := p.kind != terminated || c.d.o.JSON
	if !counted {
		if i := bytes.IndexByte(b, 0); i >= 0 {
			end, n = true, i
		}
	} else if int64(len(b)) >= c.left {
		end, n = true, int(c.left)
	}
	dst, k := c.piece(dst, p, b[:n], end)
	if counted {
		c.left -= int64(k)
	} else if c.length += int64(k); c.d.o.tooLong(c.length) {
		return dst, 0, c.overMax()
	}
	if end && k < n {
		c.need = 0 // nothing has to come for the next piece
		return dst, taken + k, nil
	}
	if !end {
		return dst, taken + k, c.want(p, max(1, c.left-int64(n-k)))
	}
	if p.kind == terminated {
		k++
	}
	dst = append(dst, c.quotes[1]...)
	c.inside, c.nuls, c.length = false, 0, 0
	c.element++
	return dst, taken + k, nil
}

// begin sets left to the length of the string and returns how many bytes of b hold
// that length, -1 if b is too short.
func (c *cursor) begin(p *op, b []byte) (int, error) {
	switch {
	case p.kind == terminated:
		c.left = 1
		return 0, nil
	case p.Rest && p.kind == bytesOf:
		if c.left = forever; c.ended {
			c.left = int64(len(b))
		}
		return 0, nil
	case p.kind == bytesOf:
		n, err := c.countOf(p, forever-1)
		if p.counter > 0 && err == nil && c.d.o.tooLong(n) {
			err = c.overMax()
		}
		c.left = n
		return 0, err
	case p.kind == hexBytes:
		c.left = int64(p.width)
		return 0, nil
	}
	w, n, err := p.length.takeLength(b)
	if err != nil {
		return -1, c.place(err)
	}
	if n == 0 {
		return -1, c.want(p, int64(max(1, p.length.width-len(b))))
	}
	if w.negative || w.hi != 0 || w.lo > math.MaxInt64 || c.d.o.tooLong(int64(w.lo)) {
		return -1, c.place(p.length.lengthError(w, &c.d.o))
	}
	c.left = int64(w.lo)
	return n, nil
}

// whole reports whether the string can begin, and sets its quotes. In JSON all of it must
// be in b, because its form depends on whether it is UTF-8.
func (c *cursor) whole(p *op, b []byte) (bool, error) {
	c.quotes = jsonQuotes{}
	switch {
	case c.d.o.JSON && p.kind == hexBytes:
		c.quotes = jsonQuotes{`"`, `"`}
		return true, nil
	case c.d.o.Shell && p.kind != hexBytes:
		c.quotes = jsonQuotes{"'", "'"}
		return true, nil
	case !c.d.o.JSON:
		return true, nil
	}
	length, there := c.left, int64(len(b)) >= c.left
	if p.kind == terminated {
		length = int64(bytes.IndexByte(b, 0))
		if there = length >= 0; !there {
			length = int64(len(b))
		}
	}
	if length == forever {
		length = int64(len(b))
	}
	if c.d.o.tooLong(length) {
		return false, c.overMax()
	}
	if !there {
		return false, c.want(p, max(1, c.left-int64(len(b))))
	}
	text := b[:length]
	if c.d.o.Trim && p.kind == bytesOf {
		text = bytes.TrimRight(text, "\x00")
	}
	c.left, c.nuls, c.quotes = length, length-int64(len(text)), quotesOf(text)
	return true, nil
}

func (c *cursor) overMax() error {
	return c.place(c.d.o.over("string"))
}

// piece writes a part of a string and returns how much of it was taken.
func (c *cursor) piece(dst []byte, p *op, b []byte, end bool) ([]byte, int) {
	if p.kind == hexBytes {
		start := len(dst)
		return c.d.escapeField(hex.AppendEncode(dst, b), start), len(b)
	}
	n := len(b)
	if c.d.o.JSON {
		text := b[:n-int(c.nuls)]
		dst, k := c.quotes.piece(dst, text)
		if k == len(text) {
			k = n
		}
		return dst, k
	}
	if c.d.o.Trim && p.kind == bytesOf {
		b = bytes.TrimRight(b, "\x00")
		if len(b) > 0 {
			for ; c.nuls > 0; c.nuls-- {
				dst = c.d.piece(dst, p, []byte{0})
			}
		}
		if len(b) < n {
			c.nuls += int64(n - len(b))
			end = true
		}
	}
	if c.d.o.Raw {
		return c.d.piece(dst, p, b), n
	}
	dst, k := p.escape.append(dst, b, end)
	return dst, n - (len(b) - k)
}

// pascal decodes a string whose first byte is its length, and discards the rest of the
// field.
func (c *cursor) pascal(dst []byte, p *op, b []byte) ([]byte, int, error) {
	size := p.Count
	switch {
	case p.Rest && c.ended:
		size = int64(len(b))
	case p.Rest:
		size = forever
	}
	if size > 0 && len(b) == 0 {
		return dst, 0, c.want(p, size)
	}
	length := 0
	if size > 0 {
		length = 1 + int(min(int64(b[0]), size-1))
	}
	if len(b) < length {
		return dst, 0, c.want(p, size-int64(len(b)))
	}
	dst = c.d.text(c.before(dst, p, c.element), p, pascalString(b[:length]))
	c.element++
	if !p.Rest {
		c.skip = size - int64(length)
	}
	return dst, length, nil
}
