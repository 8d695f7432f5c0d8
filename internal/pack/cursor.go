package pack

import (
	"bytes"
	"math"
)

// A cursor is the general path of decoding. It takes the bytes as they come,
// stops within an item when they run out, and goes on there with the next ones;
// strings pass through it piece by piece.
type cursor struct {
	d       *Decoder
	index   int   // of the item it is in
	element int64 // elements of the item that are done
	at      int64 // bytes of the record that are done
	offset  int64 // of the record in the input
	skip    int64 // bytes to throw away
	left    int64 // bytes of the string that are still to come
	length  int64 // bytes so far of a string that a NUL ends
	nuls    int64 // NUL bytes that Trim may yet have to write
	need    int64 // how many bytes must come before step can go on
	slots   [1]whole

	started bool // the text of the record has begun
	comma   bool // a separator comes before the next value
	entered bool // the item's alignment is done
	inside  bool // within a string
}

// forever is the skip of what is thrown away to the end of the input.
const forever = math.MaxInt64

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
		dst = c.start(dst)
	}
	for c.index < len(c.d.ops) {
		p := &c.d.ops[c.index]
		switch {
		case c.skip > 0:
			k := min(c.skip, int64(len(b)))
			b = b[k:]
			c.at += k
			if c.skip -= k; c.skip > 0 {
				return dst, all - len(b), false, c.want(p, c.skip)
			}
		case !c.entered:
			dst = c.enter(dst, p)
		case p.kind != pad && (c.element < p.elements() || p.Rest && p.elements() == 0):
			var k int
			before := c.element
			dst, k, err = c.one(dst, p, b)
			b = b[k:]
			c.at += int64(k)
			if err != nil || c.element == before {
				return dst, all - len(b), false, err
			}
		case p.Rest:
			c.skip = forever // what x and p leave is thrown away
		default:
			dst = c.leave(dst, p)
		}
	}
	return append(dst, c.d.tail...), all - len(b), true, nil
}

// start begins the text of a record.
func (c *cursor) start(dst []byte) []byte {
	c.started = true
	dst = append(dst, c.d.begin...)
	if c.d.o.Offsets {
		dst = appendInt(dst, c.offset)
		c.comma = true
	}
	return dst
}

// enter skips what lies in front of an item, and what a pad byte is.
func (c *cursor) enter(dst []byte, p *op) []byte {
	c.entered = true
	if a := int64(p.align); c.d.f.native && a > 1 {
		c.skip = (a - c.at%a) % a
	}
	if p.kind == pad && !p.Rest {
		c.skip = p.Count
	}
	if p.list {
		dst = append(append(c.separate(dst), p.key...), '[')
		c.comma = false
	}
	return dst
}

// leave ends an item.
func (c *cursor) leave(dst []byte, p *op) []byte {
	c.index, c.element, c.entered = c.index+1, 0, false
	if p.list {
		c.comma = true
		dst = append(dst, ']')
	}
	return dst
}

// separate writes the separator between two values.
func (c *cursor) separate(dst []byte) []byte {
	if c.comma {
		dst = append(dst, c.d.separator...)
	}
	c.comma = true
	return dst
}

// before writes what stands in front of the value j of an item.
func (c *cursor) before(dst []byte, p *op, j int64) []byte {
	dst = c.separate(dst)
	switch {
	case p.keys != nil:
		return append(dst, p.keys[j]...)
	case p.key != nil && !p.list:
		return append(dst, p.key...)
	}
	return dst
}

// want notes that n bytes must come for the element at hand, and with them at
// least what the rest of the record takes. It returns nil, for its callers'
// convenience.
func (c *cursor) want(p *op, n int64) error {
	if p.Rest || n == forever {
		c.need = 1
		return nil
	}
	if more := p.Count - c.element - 1; more > 0 && p.kind != pad && p.kind != bytesOf && p.kind != pascal {
		n = sum(n, saturated(more, p.least()))
	}
	c.need = sum(n, p.behind)
	return nil
}

// one decodes one element, or a piece of one, and counts it when it is done.
func (c *cursor) one(dst []byte, p *op, b []byte) ([]byte, int, error) {
	switch p.kind {
	case bytesOf, prefixed, terminated, hexBytes:
		return c.string(dst, p, b)
	case pascal:
		return c.pascal(dst, p, b)
	case varint:
		return c.varint(dst, p, b)
	}
	if len(b) < p.width {
		return dst, 0, c.want(p, int64(p.width-len(b)))
	}
	b = b[:p.width]
	if p.slot > 0 {
		c.slots[p.slot-1] = c.d.f.lastInteger(p.item, b)
	}
	if p.kind == bitfield {
		dst = c.bitfield(dst, p, c.d.f.load(b))
	} else {
		dst = c.before(dst, p, c.element)
		dst = c.d.element(dst, p, b)
	}
	c.element++
	return dst, p.width, nil
}

// varint decodes a varint.
func (c *cursor) varint(dst []byte, p *op, b []byte) ([]byte, int, error) {
	w, n, err := c.d.f.takeVarint(b, p.bits[0])
	if err != nil {
		return dst, 0, c.place(err)
	}
	if n == 0 {
		return dst, 0, c.want(p, 1)
	}
	if p.slot > 0 {
		c.slots[p.slot-1] = w
	}
	dst = c.before(dst, p, c.element)
	start := len(dst)
	dst = c.d.escapeField(w.appendRadix(dst, c.d.o.radix(), 0), start)
	c.element++
	return dst, n, nil
}

// bitfield decodes the fields of a word, the most significant first.
func (c *cursor) bitfield(dst []byte, p *op, v uint64) []byte {
	v <<= 64 - 8*uint(p.width)
	for i, n := range p.bits {
		dst = c.before(dst, p, c.element*int64(len(p.bits))+int64(i))
		dst = c.d.field(dst, v>>(64-n), int(n))
		v <<= n
	}
	return dst
}

// place adds the offset in the input to err.
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
		dst = c.quote(c.before(dst, p, c.element), p)
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
		return dst, taken + k, c.want(p, max(1, c.left-int64(n-k)))
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
		c.left = forever
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
		return -1, c.place(dataf("%s", c.d.f.lengthError(w, p.length, c.d.o.Max)))
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
	if length == forever {
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

// finish ends the record at the end of the input, of which b was not taken. It
// reports whether the record is complete.
func (c *cursor) finish(dst, b []byte) ([]byte, bool) {
	if c.index >= len(c.d.ops) {
		return dst, false
	}
	p := &c.d.ops[c.index]
	aligning := c.skip > 0 && c.skip < forever/2
	if !p.Rest || !c.entered || aligning {
		return dst, false
	}
	switch {
	case p.kind == bytesOf:
		if !c.inside {
			dst = c.quote(c.before(dst, p, 0), p)
		}
		dst, _ = c.piece(dst, p, b, true)
		dst = c.quote(dst, p)
	case p.kind == pascal && c.element == 0:
		dst = c.d.text(c.before(dst, p, 0), p, pascalString(b))
	case c.inside || len(b) > 0:
		return dst, false
	}
	dst = c.leave(dst, p)
	return append(dst, c.d.tail...), true
}
