package pack

import (
	"bytes"
	"math"
)

// A cursor decodes records whose size varies, or is larger than a buffer. It
// takes the bytes as they come, stops within an item when they run out, and goes
// on there with the next ones; strings pass through it piece by piece.
type cursor struct {
	d       *Decoder
	item    int   // index of the item it is in
	element int64 // elements of the item that are done
	at      int64 // bytes of the record that are done
	offset  int64 // of the record in the input
	skip    int64 // bytes to throw away
	left    int64 // bytes of the string that are still to come
	nuls    int64 // NUL bytes held back by Trim
	length  int64 // bytes so far of a string that a NUL ends
	need    int64 // how many bytes must come before step can go on

	started bool // something has been written of this record
	entered bool // the item's alignment is done
	inside  bool // within a string
}

// reset makes the cursor ready for the record at the given offset.
func (c *cursor) reset(offset int64) {
	*c = cursor{d: c.d, offset: offset}
}

// step decodes as much of b as it can, at most to the end of the record. It
// returns how many bytes it took; if the record is not done, it needs at least
// c.need bytes more than those it left.
func (c *cursor) step(dst, b []byte) (out []byte, n int, done bool, err error) {
	all := len(b)
	if !c.started {
		c.started = true
		dst = c.d.start(dst, c.offset)
	}
	for c.item < len(c.d.ops) || c.skip > 0 {
		if c.skip > 0 {
			k := min(c.skip, int64(len(b)))
			b = b[k:]
			c.at += k
			if c.skip -= k; c.skip > 0 {
				return dst, all - len(b), false, c.want(nil, c.skip)
			}
			continue
		}
		p := &c.d.ops[c.item]
		if !c.entered {
			c.enter(p)
			continue
		}
		for p.kind != pad && (c.element < p.elements() || p.Rest && p.elements() == 0) {
			var k int
			before := c.element
			dst, k, err = c.one(dst, p, b)
			b = b[k:]
			c.at += int64(k)
			if err != nil || c.element == before {
				return dst, all - len(b), false, err
			}
		}
		if p.Rest {
			c.skip = math.MaxInt64 // what x and p leave is thrown away
			continue
		}
		dst = append(dst, p.after...)
		c.item, c.element, c.entered = c.item+1, 0, false
	}
	return append(dst, c.d.tail...), all - len(b), true, nil
}

// enter skips what lies in front of an item, and what a pad byte is.
func (c *cursor) enter(p *op) {
	c.entered = true
	if a := int64(p.align); c.d.f.native && a > 1 {
		c.skip = (a - c.at%a) % a
	}
	if p.kind == pad && !p.Rest {
		c.skip = p.Count
	}
}

// want notes that n bytes must come for the element at hand, and with them at
// least what the rest of the record takes. It returns nil, for its callers'
// convenience.
func (c *cursor) want(p *op, n int64) error {
	if n == math.MaxInt64 || p != nil && p.Rest {
		c.need = 1
		return nil
	}
	add := func(m int64) {
		if n += m; n < 0 {
			n = math.MaxInt64
		}
	}
	if p != nil && p.kind != bytesOf && p.kind != pascal {
		if more := p.Count - c.element - 1; more > 0 && more < math.MaxInt64/16 {
			add(more * p.least())
		}
	}
	for i := c.item + 1; i < len(c.d.ops); i++ {
		q := c.d.ops[i].Item
		if !q.Rest && q.Count < math.MaxInt64/16 {
			add(q.Count * q.least())
		}
	}
	c.need = n
	return nil
}

// least is the size of the smallest element; large hex fields count as small.
func (it *Item) least() int64 {
	switch it.kind {
	case varint, terminated:
		return 1
	case prefixed:
		return int64(max(it.length.width, 1))
	}
	return int64(min(it.width, 16))
}

// one decodes one element, or a piece of one, and counts it when it is done.
func (c *cursor) one(dst []byte, p *op, b []byte) ([]byte, int, error) {
	switch p.kind {
	case bytesOf, prefixed, terminated, hexBytes:
		return c.string(dst, p, b)
	case pascal:
		return c.pascal(dst, p, b)
	case varint:
		w, n, err := c.d.f.takeVarint(b, p.bits[0])
		if err != nil {
			return dst, 0, c.place(err)
		}
		if n == 0 {
			return dst, 0, c.want(p, 1)
		}
		dst = c.d.separate(dst, p, c.element)
		start := len(dst)
		dst = c.d.escapeField(w.appendRadix(dst, c.d.o.Radix10(), 0), start)
		c.element++
		return dst, n, nil
	}
	if len(b) < p.width {
		return dst, 0, c.want(p, int64(p.width-len(b)))
	}
	dst = c.d.separate(dst, p, c.element*p.perElement())
	dst = c.d.element(dst, p, b[:p.width], c.element)
	c.element++
	return dst, p.width, nil
}

// place says at which offset of the input err was met.
func (c *cursor) place(err *DataError) error {
	return dataf("%s at offset %d", err.Why, c.offset+c.at)
}

// string begins or goes on with a string of any length.
func (c *cursor) string(dst []byte, p *op, b []byte) ([]byte, int, error) {
	taken := 0
	if !c.inside {
		n, err := c.begin(p, b)
		if n < 0 || err != nil {
			return dst, 0, err
		}
		if len(b) == 0 && c.left > 0 && (p.kind == terminated || p.kind == hexBytes) {
			// At the end of the input there may be no more of them.
			return dst, 0, c.want(p, c.left)
		}
		if whole, err := c.whole(p, b[n:]); !whole || err != nil {
			return dst, 0, err
		}
		dst = c.d.separate(dst, p, c.element)
		dst = c.quote(dst, p)
		c.inside = true
		b, taken = b[n:], n
	}
	end, n := false, len(b)
	if p.kind == terminated {
		if i := bytes.IndexByte(b, 0); i >= 0 {
			end, n = true, i
		}
	} else if int64(len(b)) >= c.left {
		end, n = true, int(c.left)
	}
	dst, k := c.piece(dst, p, b[:n], end)
	if p.kind != terminated {
		c.left -= int64(k)
	} else if c.length += int64(k); c.d.o.tooLong(c.length) {
		return dst, 0, c.overMax()
	}
	if !end {
		return dst, taken + k, c.want(p, max(1, min(c.left-int64(n-k), math.MaxInt64)))
	}
	if p.kind == terminated {
		k++
	}
	dst = c.quote(dst, p)
	c.inside, c.nuls, c.length = false, 0, 0
	c.element++
	return dst, taken + k, nil
}

// begin finds out how long the string is and returns how many bytes of b say so,
// -1 if there are not enough of them.
func (c *cursor) begin(p *op, b []byte) (int, error) {
	switch {
	case p.kind == terminated:
		c.left = 1
		return 0, nil
	case p.Rest && p.kind == bytesOf:
		c.left = math.MaxInt64
		return 0, nil
	case p.kind == bytesOf:
		c.left = p.Count
		return 0, nil
	case p.kind == hexBytes:
		c.left = int64(p.width)
		return 0, nil
	}
	w, n, err := c.d.f.takeLength(b, p.length)
	if err != nil {
		return -1, c.place(err)
	}
	if n == 0 {
		return -1, c.want(p, int64(max(1, p.length.width-len(b))))
	}
	if w.negative || w.hi != 0 || w.lo > math.MaxInt64 || c.d.o.tooLong(int64(w.lo)) {
		return -1, c.place(dataf("%s", lengthError(w, b[:n], p.length, c.d.o.Max)))
	}
	c.left = int64(w.lo)
	return n, nil
}

// whole reports whether the string can begin: in JSON it must be there as a
// whole, because it says first whether it is UTF-8.
func (c *cursor) whole(p *op, b []byte) (bool, error) {
	if !c.d.o.JSON || p.kind == hexBytes {
		return true, nil
	}
	length, there := c.left, int64(len(b)) >= c.left
	if p.kind == terminated {
		length, there = int64(len(b)), bytes.IndexByte(b, 0) >= 0
	}
	if length == math.MaxInt64 {
		length = int64(len(b))
	}
	if c.d.o.tooLong(length) {
		return false, c.overMax()
	}
	if !there {
		c.want(p, max(1, c.left-int64(len(b))))
	}
	return there, nil
}

func (c *cursor) overMax() error {
	return c.place(dataf("string is over --max %d", c.d.o.Max))
}

// quote writes the quote in front of and behind a string.
func (c *cursor) quote(dst []byte, p *op) []byte {
	switch {
	case c.d.o.Shell && p.kind != hexBytes:
		return append(dst, '\'')
	case c.d.o.JSON && p.kind == hexBytes:
		return append(dst, '"')
	}
	return dst
}

// piece writes a part of a string and returns how much of it was taken.
func (c *cursor) piece(dst []byte, p *op, b []byte, end bool) ([]byte, int) {
	if p.kind == hexBytes {
		start := len(dst)
		return c.d.escapeField(appendHex(dst, b), start), len(b)
	}
	n := len(b)
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
	if c.d.o.JSON {
		return appendJSONBytes(dst, b), n
	}
	if c.d.o.Raw {
		return c.d.piece(dst, p, b), n
	}
	dst, k := p.escape.append(dst, b, end)
	return dst, n - (len(b) - k)
}

// pascal decodes a string whose first byte is its length; the bytes of the field
// behind it are thrown away.
func (c *cursor) pascal(dst []byte, p *op, b []byte) ([]byte, int, error) {
	size := p.Count
	if p.Rest {
		size = math.MaxInt64
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
	dst = c.d.separate(dst, p, c.element)
	dst = c.d.text(dst, p, pascalString(b[:length]))
	c.element++
	if !p.Rest {
		c.skip = size - int64(length)
	}
	return dst, length, nil
}

// finish ends the record at the end of the input, of which b was not taken. It
// reports whether the record is complete.
func (c *cursor) finish(dst, b []byte) ([]byte, bool) {
	if c.item >= len(c.d.ops) {
		return dst, false
	}
	p := &c.d.ops[c.item]
	aligning := c.skip > 0 && p.kind != pad && (p.kind != pascal || c.element == 0)
	if !p.Rest || !c.entered || aligning {
		return dst, false
	}
	switch {
	case p.kind == bytesOf:
		if !c.inside {
			dst = c.d.separate(dst, p, 0)
			dst = c.quote(dst, p)
		}
		dst, _ = c.piece(dst, p, b, true)
		dst = c.quote(dst, p)
	case p.kind == pascal && c.element == 0:
		dst = c.d.separate(dst, p, 0)
		dst = c.d.text(dst, p, pascalString(b))
	case c.inside || len(b) > 0:
		return dst, false
	case c.element == 0 && len(p.after) > 0:
		dst = append(dst, p.before...) // an empty array
	}
	dst = append(dst, p.after...)
	return append(dst, c.d.tail...), true
}
