package pack

import (
	"bytes"
	"fmt"
	"math"
)

// A cursor is the general path of decoding. It takes the bytes as they come,
// stops within an item when they run out, and goes on there with the next ones;
// strings pass through it piece by piece.
type cursor struct {
	d      *Decoder
	offset int64 // of the record in the input
	at     int64 // bytes of the record that are done
	skip   int64 // bytes to throw away
	left   int64 // bytes of the string that are still to come
	length int64 // bytes so far of a string that a NUL ends
	nuls   int64 // NUL bytes that Trim may yet have to write
	need   int64 // how many bytes must come before step can go on
	record int64 // its number, from 1; 0 if it has none
	mark   int   // how much of the text that step returned is whole lines or elements

	frame         // of the innermost group
	outer []frame // of those around it
	slots []whole // the integers that something refers to
	sums  []summer
	open  *item  // a checksum whose {to} is still to come
	found uint64 // what it says
	where int64  // where it is in the record
	dump  dumpLine

	started bool // the text of the record has begun
	comma   bool // a separator comes before the next value
	entered bool // the item's alignment is done
	inside  bool // within a string
}

// A frame is where a cursor is in a record, or in a group.
type frame struct {
	l       *level
	index   int   // of the item
	element int64 // elements of the item that are done
	number  int64 // of the group's element, from 1; 0 before the first
	count   int64 // of the group's elements; -1 is any number
	begins  int64 // where the group's element begins in the record
	between bool  // the next element has not begun
}

// forever is the skip of what is thrown away to the end of the input.
const forever = math.MaxInt64

// newCursor returns a cursor, which reset makes ready.
func (d *Decoder) newCursor() cursor {
	c := cursor{d: d}
	if d.slots > 0 {
		c.slots = make([]whole, d.slots)
	}
	return c
}

// reset makes the cursor ready for the record at the given offset.
func (c *cursor) reset(offset int64) {
	c.offset, c.at, c.skip, c.length, c.nuls = offset, 0, 0, 0, 0
	c.record++
	c.l, c.index, c.element, c.between = &c.d.level, 0, 0, false
	c.started, c.comma, c.entered, c.inside = false, false, false, false
	if c.d.f.flat {
		return
	}
	c.outer, c.sums, c.open = c.outer[:0], c.sums[:0], nil
	for _, a := range c.d.f.sums {
		c.sums = append(c.sums, a.start())
	}
}

// step decodes as much of b as it can, at most to the end of the record. It
// returns how many bytes it took; if the record is not done, it needs at least
// c.need bytes more than those it left.
func (c *cursor) step(dst, b []byte) (out []byte, n int, done bool, err error) {
	all := len(b)
	c.mark = 0
	if !c.started {
		dst = c.start(dst)
	}
	for {
		if c.skip > 0 {
			k := min(c.skip, int64(len(b)))
			if c.d.o.Explain {
				c.dump.note(b[:k])
			}
			c.pass(nil, b[:k])
			b = b[k:]
			p := &c.l.ops[c.index]
			if c.skip -= k; c.skip > 0 {
				return dst, all - len(b), false, c.want(p, c.skip)
			}
			if c.d.o.Explain {
				dst = c.explainSkipped(dst, p)
			}
			continue
		}
		if c.between {
			if c.count < 0 && len(b) == 0 {
				c.need = 1
				return dst, all - len(b), false, nil
			}
			if c.l.room > 0 {
				rest := b
				if dst, b = c.elements(dst, b); len(b) < len(rest) {
					continue
				}
			}
			dst = c.next(dst)
			continue
		}
		if c.index == len(c.l.ops) {
			if len(c.outer) == 0 {
				break
			}
			dst = c.endElement(dst)
			continue
		}
		p := &c.l.ops[c.index]
		if p.simple && len(b) >= p.width {
			dst = c.d.element(c.before(dst, p, 0), p, b[:p.width])
			b = b[p.width:]
			c.at += int64(p.width)
			c.index, c.entered = c.index+1, false
			continue
		}
		if !c.entered {
			if dst, err = c.enter(dst, p); err != nil {
				return dst, all - len(b), false, err
			}
			continue
		}
		if p.kind != pad && (c.element < p.elements() || p.Rest && p.elements() == 0) {
			var k int
			before := c.element
			if c.d.o.Explain {
				dst, k, err = c.explain(dst, p, b)
			} else {
				dst, k, err = c.one(dst, p, b)
			}
			c.pass(p, b[:k])
			b = b[k:]
			if err != nil || c.element == before {
				return dst, all - len(b), false, err
			}
			continue
		}
		if p.Rest {
			c.skip = forever // what x and p leave is thrown away
			continue
		}
		dst = c.leave(dst, p)
	}
	return append(dst, c.d.tail...), all - len(b), true, nil
}

// pass notes that the bytes b of the record are done, which belong to p.
func (c *cursor) pass(p *op, b []byte) {
	c.at += int64(len(b))
	for i := range c.sums {
		if p != nil && p.kind == checksum && p.to && p.sum == i {
			c.sums[i].add(make([]byte, len(b))) // it is zero in its own sum
			continue
		}
		c.sums[i].add(b)
	}
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

// enter begins an item: it skips what lies in front of it, and what a pad byte
// is, and goes into a group.
func (c *cursor) enter(dst []byte, p *op) ([]byte, error) {
	c.entered = true
	if a := int64(p.align); a > 1 && (c.d.f.native || p.kind == boundary) {
		c.skip = (a - c.at%a) % a
	}
	if p.list {
		dst = append(append(c.separate(dst), p.key...), '[')
		c.comma = false
	}
	switch p.kind {
	case pad:
		if p.Rest {
			return dst, nil
		}
		n, err := c.countOf(p, forever)
		c.skip = n
		return dst, err
	case group:
		n, err := c.countOf(p, forever)
		if p.Rest {
			n = -1
		}
		c.outer = append(c.outer, c.frame)
		c.frame = frame{l: p.inner, count: n, between: true}
		return dst, err
	case from:
		for i := range c.sums {
			c.sums[i] = c.sums[i].algorithm.start()
		}
		c.element++
	case upTo:
		c.element++
		if c.open != nil {
			return dst, c.verify(c.open, c.found, c.where)
		}
	case boundary:
		c.element++
	}
	return dst, nil
}

// countOf is the count of an item, which may be an integer that came before.
func (c *cursor) countOf(p *op, most int64) (int64, error) {
	if p.counter == 0 {
		return p.Count, nil
	}
	w := c.slots[p.counter-1]
	if w.negative || w.hi != 0 || w.lo > uint64(most) {
		why := "is too large"
		if w.negative {
			why = "is negative"
		}
		return 0, c.place(dataf("count %s of %s %s", w.append(nil), quote(p.Code), why))
	}
	return int64(w.lo), nil
}

// next begins the next element of a group, or leaves the group.
func (c *cursor) next(dst []byte) []byte {
	if c.number == c.count {
		c.frame = c.outer[len(c.outer)-1]
		c.outer = c.outer[:len(c.outer)-1]
		return c.leave(dst, &c.l.ops[c.index])
	}
	c.number++
	c.begins = c.at
	c.index, c.element, c.entered, c.between = 0, 0, false, false
	if c.d.o.Explain {
		return c.explainElement(dst)
	}
	if c.d.o.JSON {
		if dst = c.separate(dst); c.l.open != "" {
			dst = append(dst, c.l.open...)
		}
		c.comma = false
	}
	return dst
}

// endElement ends an element of a group.
func (c *cursor) endElement(dst []byte) []byte {
	c.between = true
	if c.d.o.JSON {
		dst = append(dst, c.l.close...)
		c.comma = true
	}
	if c.count < 0 {
		c.mark = len(dst)
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
		n = plus(n, saturated(more, p.least()))
	}
	n = plus(n, p.behind)
	f := &c.frame
	for i := len(c.outer) - 1; i >= 0 && f.count >= 0; i-- {
		n = plus(n, saturated(f.count-f.number, f.l.size-f.l.pads))
		f = &c.outer[i]
		n = plus(n, f.l.ops[f.index].behind)
	}
	c.need = n
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
		c.slots[p.slot-1] = p.lastInteger(b)
	}
	switch {
	case p.hidden:
	case p.kind == bitfield:
		dst = c.bitfield(dst, p, p.load(b))
	case p.kind == constant:
		if !bytes.Equal(b, p.text) {
			return dst, 0, c.placeIn(dataf("constant %s at offset %d: got %x", p.Code, c.offset+c.at, b))
		}
	case p.kind == checksum:
		if err := c.check(p.item, p.load(b)); err != nil {
			return dst, 0, err
		}
	default:
		dst = c.before(dst, p, c.element)
		dst = c.d.element(dst, p, b)
	}
	c.element++
	return dst, p.width, nil
}

// check verifies a checksum, now or at its {to}.
func (c *cursor) check(it *item, v uint64) error {
	if it.to {
		c.open, c.found, c.where = it, v, c.at
		return nil
	}
	return c.verify(it, v, c.at)
}

// verify compares a checksum, which is at a place of the record, with what is right.
func (c *cursor) verify(it *item, got uint64, at int64) error {
	c.open = nil
	if want := c.sums[it.sum].sum(); got != want {
		return c.placeIn(dataf("checksum %s at offset %d: got %0*x, computed %0*x", it.Code, c.offset+at, 2*it.width, got, 2*it.width, want))
	}
	return nil
}

// varint decodes a varint.
func (c *cursor) varint(dst []byte, p *op, b []byte) ([]byte, int, error) {
	w, n, err := takeVarint(b, p.bits[0])
	if err != nil {
		return dst, 0, c.place(err)
	}
	if n == 0 {
		return dst, 0, c.want(p, 1)
	}
	if p.slot > 0 {
		c.slots[p.slot-1] = w
	}
	if !p.hidden {
		dst = c.before(dst, p, c.element)
		start := len(dst)
		dst = c.d.escapeField(w.appendRadix(dst, c.d.o.radix(), 0), start)
	}
	c.element++
	return dst, n, nil
}

// bitfield decodes the fields of a word.
func (c *cursor) bitfield(dst []byte, p *op, v uint64) []byte {
	if !p.lsb {
		v <<= 64 - 8*uint(p.width)
	}
	for i, n := range p.bits {
		dst = c.before(dst, p, c.element*int64(len(p.bits))+int64(i))
		if p.lsb {
			dst = c.d.field(dst, v<<(64-n)>>(64-n), int(n))
			v >>= n
			continue
		}
		dst = c.d.field(dst, v>>(64-n), int(n))
		v <<= n
	}
	return dst
}

// place adds the offset in the input to err.
func (c *cursor) place(err *DataError) error {
	e := dataf("%s at offset %d", err.Why, c.offset+c.at)
	if len(c.outer) > 0 {
		return c.placeIn(e)
	}
	return e
}

// placeIn puts the record and the groups that err is in, in front of it.
func (c *cursor) placeIn(err *DataError) error {
	text := ""
	if c.record > 0 {
		text = fmt.Sprintf("record %d: ", c.record)
	}
	for i := range c.outer {
		f := &c.frame
		if i+1 < len(c.outer) {
			f = &c.outer[i+1]
		}
		text += groupPlace(f.number, f.count)
	}
	return dataf("%s%s", text, err.Why)
}

// groupPlace is what stands in front of an error within an element of a group; the
// count is negative if there can be any number.
func groupPlace(number, count int64) string {
	if count < 0 {
		return fmt.Sprintf("group %d: ", number)
	}
	return fmt.Sprintf("group %d of %d: ", number, count)
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
		return -1, c.place(dataf("%s", p.length.lengthError(w, c.d.o.Max)))
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
	if len(c.outer) == 1 && c.between && c.count < 0 && len(b) == 0 {
		c.count = c.number
		dst = c.next(dst)
		return append(dst, c.d.tail...), true
	}
	if len(c.outer) > 0 || c.index >= len(c.l.ops) {
		return dst, false
	}
	p := &c.l.ops[c.index]
	aligning := c.skip > 0 && c.skip < forever/2
	if !p.Rest || !c.entered || aligning {
		return dst, false
	}
	switch {
	case c.d.o.Explain && (p.kind == bytesOf || p.kind == pascal || p.kind == pad):
		dst = c.explainRest(dst, p, b)
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
