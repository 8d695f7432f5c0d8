package pack

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
)

// A cursor is the general path of decoding. It can stop within an item when the input
// runs out, and goes on there with more. It decodes strings piece by piece.
type cursor struct {
	d      *Decoder
	offset int64 // of the record in the input
	at     int64 // bytes of the record that are done
	skip   int64 // bytes to throw away
	left   int64 // bytes of the string that are still to come
	length int64 // bytes so far of a string that a NUL ends
	nuls   int64 // NUL bytes that Trim may yet have to write
	need   int64 // how many bytes must come before step can go on
	empty  int64 // elements without a byte in one place of the record
	hollow int64 // that place
	record int64 // its number, from 1; 0 if it has none
	mark   int   // how much of the text that step returned is whole lines or elements

	frame         // of the innermost group
	outer []frame // of those around it
	slots []whole // the integers that something refers to
	sums  []summer
	open  *item  // a checksum whose {to} is still to come
	own   summer // its sum, to which its own bytes are zero; to any other they are what they are
	found uint64 // its value in the record
	where int64  // its offset in the record
	dump  dumpLine

	started bool // the text of the record has begun
	comma   bool // a separator comes before the next value
	entered bool // the item's alignment is done
	inside  bool // within a string
	ended   bool // no more input will come

	quotes jsonQuotes // of the string
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

// forever is the value of skip that discards the rest of the input.
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
	c.offset, c.at, c.skip, c.length, c.nuls, c.empty = offset, 0, 0, 0, 0, 0
	c.record++
	c.l, c.index, c.element, c.between = &c.d.level, 0, 0, false
	c.started, c.comma, c.entered, c.inside, c.ended = false, false, false, false, false
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
// c.need bytes more than those it left. With c.ended no more will come, and items that
// take all that is left end.
func (c *cursor) step(dst, b []byte) (out []byte, n int, done bool, err error) {
	all := len(b)
	c.mark = 0
	if !c.started {
		dst = c.start(dst)
	}
	for stop := false; err == nil && !stop; {
		var p *op
		if c.index < len(c.l.ops) {
			p = &c.l.ops[c.index]
		}
		k := 0
		switch {
		case c.skip > 0:
			dst, k = c.skipped(dst, p, b)
			stop = c.skip > 0
		case c.between:
			dst, k, stop = c.advance(dst, b)
		case p == nil && len(c.outer) == 0:
			return append(dst, c.d.tail...), all - len(b), true, nil
		case p == nil:
			dst, err = c.endElement(dst)
		case p.simple && !c.entered && len(b) >= p.width:
			dst = c.d.element(c.before(dst, p, 0), p, b[:p.width])
			k = p.width
			c.at += int64(k)
			c.index, c.entered = c.index+1, false
		case !c.entered:
			dst, err = c.enter(dst, p)
		case p.kind != pad && (c.element < p.elements || p.Rest && p.elements == 0 && (!c.ended || c.inside || len(b) > 0)):
			before := c.element
			dst, k, err = c.decode(dst, p, b)
			stop = c.element == before
		case p.Rest && !(c.ended && len(b) == 0):
			c.skip = forever // discard the rest of a final x or p
		default:
			dst = c.leave(dst, p)
		}
		b = b[k:]
	}
	return dst, all - len(b), false, err
}

// skipped discards the bytes of b that are to be skipped, and returns how many they
// are.
func (c *cursor) skipped(dst []byte, p *op, b []byte) ([]byte, int) {
	k := min(c.skip, int64(len(b)))
	if c.ended && c.skip > forever/2 {
		c.skip = k
	}
	c.pass(nil, b[:k])
	if c.d.o.Explain {
		c.dump.note(b[:k])
	}
	if c.skip -= k; c.skip > 0 {
		c.want(p, c.skip)
	} else if c.dump.size > 0 {
		dst = c.explainSkipped(dst, p)
	}
	return dst, int(k)
}

// advance goes on between two elements of a group. If there may be one more and no
// byte of it has come, it stops.
func (c *cursor) advance(dst, b []byte) (out []byte, n int, stop bool) {
	if c.count < 0 && len(b) == 0 {
		if !c.ended {
			c.need = 1
			return dst, 0, true
		}
		c.count = c.number
	}
	if c.l.fast && c.comma {
		if dst, n = c.elements(dst, b); n > 0 {
			return dst, n, false
		}
	}
	return c.next(dst), 0, false
}

// decode decodes one element, or a piece of one.
func (c *cursor) decode(dst []byte, p *op, b []byte) (out []byte, n int, err error) {
	if c.d.o.Explain {
		dst, n, err = c.explain(dst, p, b)
	} else {
		dst, n, err = c.one(dst, p, b)
	}
	c.pass(p, b[:n])
	return dst, n, err
}

// pass notes that the bytes b of the record are done, which belong to p.
func (c *cursor) pass(p *op, b []byte) {
	c.at += int64(len(b))
	for i := range c.sums {
		c.sums[i].add(b)
	}
	switch {
	case c.open == nil:
	case p != nil && p.item == c.open:
		c.own.add(make([]byte, len(b)))
	default:
		c.own.add(b)
	}
}

// start begins the text of a record.
func (c *cursor) start(dst []byte) []byte {
	c.started = true
	dst = append(dst, c.d.begin...)
	if c.d.o.Offsets {
		dst = strconv.AppendInt(dst, c.offset, 10)
		c.comma = true
	}
	return dst
}

// enter begins an item: it skips alignment and padding, and goes into a group.
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
			return dst, c.verify(c.open, c.own.sum(), c.found, c.where)
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
		return 0, c.place(p.countError(string(w.append(nil)), why))
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

// mostEmpty is how many elements without a byte there can be in one place of a record, in
// groups within each other too. A count in the data costs its sender nothing, so there
// must be a limit.
const mostEmpty = 1 << 16

// endElement ends an element of a group.
func (c *cursor) endElement(dst []byte) ([]byte, error) {
	if c.at == c.begins {
		if c.at != c.hollow {
			c.empty, c.hollow = 0, c.at
		}
		c.empty++
	}
	if c.empty > mostEmpty {
		return dst, c.placeIn(dataf("more than %d elements without a byte at offset %d", mostEmpty, c.offset+c.at))
	}
	c.between = true
	if c.d.o.JSON {
		dst = append(dst, c.l.close...)
		c.comma = true
	}
	if c.count < 0 {
		c.mark = len(dst)
	}
	return dst, nil
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

// want sets need to the n bytes that the current element lacks plus the least size of
// the rest of the record. It always returns nil, so that callers can return it.
func (c *cursor) want(p *op, n int64) error {
	if p.Rest || n == forever {
		c.need = 1
		return nil
	}
	if more := p.Count - c.element - 1; more > 0 && !p.countsBytes() {
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
		first := c.element * int64(len(p.bits))
		dst = c.d.bitfield(dst, p, p.load(b), func(dst []byte, i int) []byte { return c.before(dst, p, first+int64(i)) })
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
		c.open, c.own, c.found, c.where = it, c.sums[it.sum], v, c.at
		return nil
	}
	return c.verify(it, c.sums[it.sum].sum(), v, c.at)
}

// verify compares the checksum at offset at of the record with the computed one.
func (c *cursor) verify(it *item, want, got uint64, at int64) error {
	c.open = nil
	if got != want {
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

// place adds the offset in the input, and the groups, to err.
func (c *cursor) place(err *DataError) error {
	e := dataf("%s at offset %d", err.Why, c.offset+c.at)
	if len(c.outer) > 0 {
		return c.placeIn(e)
	}
	return e
}

// placeIn puts the numbers of the record and of the groups in front of err.
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
