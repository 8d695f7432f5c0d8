package pack

import (
	"bytes"
	"io"
	"strconv"
)

// A cursor is the general path of decoding: a walk over the items of a format, and over
// those of its groups. It reads as it goes, and writes whatever is final before it waits
// for input. Its errors are io.EOF where the input ends within the record, a
// [DataError], a [WriteError], or that of the input.
type cursor struct {
	output
	d     *Decoder
	t     tape
	hold  bool // the bytes of the record stay on the tape
	final int  // how much of the text stays if the record fails
	begun bool // final text, written or not, includes a part of the record's line

	offset  int64 // of the record in the input
	at      int64 // bytes of the record that are done
	element int64 // elements of the item that are done
	behind  int64 // the least size of all behind the innermost group
	need    int64 // how many bytes the record lacked at least, when it was last read on
	nuls    int64 // NUL bytes of a string that Trim may yet have to write
	depth   int   // groups that it is in
	empty   int64 // elements without a byte in one place of the record
	hollow  int64 // that place
	comma   bool  // a separator comes before the next value

	slots []whole // the integers that something refers to
	sums  []summer
	open  *item  // a checksum whose {to} is still to come
	own   summer // its sum, to which its own bytes are zero; to any other they are what they are
	found uint64 // its value in the record
	where int64  // its offset in the record
	dump  dumpLine
}

// newCursor returns a cursor that reads src.
func (d *Decoder) newCursor(dst io.Writer, src io.Reader, exact bool) cursor {
	c := cursor{output: output{dst: dst}, d: d, t: tape{src: src, exact: exact}}
	if d.slots > 0 {
		c.slots = make([]whole, d.slots)
	}
	return c
}

// record appends the text of the record at offset.
func (c *cursor) record(offset int64) error {
	c.offset, c.at, c.behind, c.depth, c.empty = offset, 0, 0, 0, 0
	c.begun, c.comma, c.open, c.sums = false, false, nil, c.sums[:0]
	for _, a := range c.d.f.sums {
		c.sums = append(c.sums, a.begin())
	}
	c.ready = append(c.ready, c.d.begin...)
	if c.d.o.Offsets {
		c.ready = strconv.AppendInt(c.ready, offset, 10)
		c.comma = true
	}
	err := c.sequence(&c.d.level)
	c.ready = append(c.ready, c.d.tail...)
	return err
}

// bytes are those that have been read and are not done.
func (c *cursor) bytes() []byte {
	if c.hold {
		return c.t.bytes()[c.at:]
	}
	return c.t.bytes()
}

// done takes the next n bytes.
func (c *cursor) done(n int) {
	c.at += int64(n)
	if !c.hold {
		c.t.start += n
	}
}

// pass takes the next n bytes, which belong to p, and notes them where they count.
func (c *cursor) pass(p *op, n int) {
	b := c.bytes()[:n]
	for i := range c.sums {
		c.sums[i].add(b)
	}
	switch {
	case c.open == nil:
	case p.item == c.open:
		c.own.add(make([]byte, n))
	default:
		c.own.add(b)
	}
	if c.d.o.Explain {
		c.dump.note(b)
	}
	c.done(n)
}

// read writes the final text and reads on, for need bytes at least. Its error is io.EOF
// at the end of the input.
func (c *cursor) read(need int64) error {
	if err := c.writeFinal(); err != nil {
		return err
	}
	if c.t.more(need) {
		return nil
	}
	return c.t.err
}

// writeFinal writes the final text.
func (c *cursor) writeFinal() error {
	n := c.final
	c.final = 0
	return c.flush(n)
}

// more reads on for the n bytes that the element of p lacks, 1 if that is not known.
func (c *cursor) more(p *op, n int64) error {
	if c.hold && c.d.o.tooLong(int64(len(c.t.bytes()))) {
		return c.d.o.over("header")
	}
	if err := c.spill(); err != nil {
		return err
	}
	if c.need = 1; !p.Rest {
		if next := p.Count - c.element - 1; next > 0 && !p.countsBytes() {
			n = plus(n, saturated(next, p.least()))
		}
		c.need = plus(plus(n, p.behind), c.behind)
	}
	return c.read(c.need)
}

// commit makes all text final.
func (c *cursor) commit() {
	c.final, c.begun = len(c.ready), !c.d.o.Explain
}

// spill writes the text of a record that is longer than pendingText. The text of a header
// is discarded, and a dump shows only the beginning of a long value.
func (c *cursor) spill() error {
	if c.hold {
		c.ready = c.ready[:c.final]
	}
	if c.d.o.Explain {
		c.ready = c.ready[:min(len(c.ready), c.final+2*dumpText)]
	}
	if len(c.ready) <= pendingText {
		return nil
	}
	c.commit()
	return c.writeFinal()
}

// sequence decodes the items of a record, or of an element of a group.
func (c *cursor) sequence(l *level) error {
	for i := range l.ops {
		p := &l.ops[i]
		if p.simple {
			if b := c.bytes(); len(b) >= p.width {
				c.ready = c.d.element(c.before(c.ready, p, 0), p, b[:p.width])
				c.done(p.width)
				continue
			}
		}
		if err := c.item(p); err != nil {
			return err
		}
	}
	return nil
}

// item decodes all elements of an item, behind its alignment.
func (c *cursor) item(p *op) error {
	c.element = 0
	if a := int64(p.align); a > 1 && (c.d.f.native || p.kind == boundary) {
		if err := c.skip(p, (a-c.at%a)%a); err != nil {
			return err
		}
	}
	if p.list {
		c.ready = append(append(c.separate(c.ready), p.key...), '[')
		c.comma = false
	}
	var err error
	switch p.kind {
	case pad:
		var n int64
		if n, err = c.countOf(p); err == nil {
			err = c.skip(p, n)
		}
	case group:
		err = c.group(p)
	case from:
		for i := range c.sums {
			c.sums[i] = c.sums[i].begin()
		}
	case upTo:
		if c.open != nil {
			err = c.verify(c.open, c.own.sum(), c.found, c.where)
		}
	case boundary:
	default:
		err = c.elements(p)
	}
	if p.list {
		c.ready = append(c.ready, ']')
		c.comma = true
	}
	return err
}

// skip discards n bytes, or all that are left if that is toTheEnd for an item that takes
// them.
func (c *cursor) skip(p *op, n int64) error {
	rest := p.Rest && n == toTheEnd
	for {
		k := min(n, int64(len(c.bytes())))
		c.pass(p, int(k))
		if n -= k; n == 0 {
			break
		}
		if err := c.more(p, n); err == io.EOF && rest {
			break
		} else if err != nil {
			return err
		}
	}
	c.explainSkipped(p)
	return nil
}

// countOf is the count of an item, which may be an integer that came before, or toTheEnd.
func (c *cursor) countOf(p *op) (int64, error) {
	switch {
	case p.Rest:
		return toTheEnd, nil
	case p.counter == 0:
		return p.Count, nil
	}
	w := c.slots[p.counter-1]
	n, ok := w.size()
	switch {
	case w.negative:
		return 0, c.atOffset(p.countError(string(w.append(nil)), "is negative"), c.at)
	case !ok || n == toTheEnd:
		return 0, c.atOffset(p.countError(string(w.append(nil)), "is too large"), c.at)
	}
	return n, nil
}

// elements decodes the elements of an item that is no group.
func (c *cursor) elements(p *op) error {
	for ; c.element < p.elements || p.Rest && p.elements == 0; c.element++ {
		if p.Rest && p.elements == 0 && len(c.bytes()) == 0 {
			if err := c.more(p, 1); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
		}
		if c.d.o.Explain {
			c.comma = false
		}
		at := c.at
		if err := c.one(p); err != nil {
			return err
		}
		if c.d.o.Explain {
			c.explain(p)
		}
		if p.kind == pascal {
			n := p.Count - (c.at - at)
			if p.Rest {
				n = toTheEnd
			}
			if err := c.skip(p, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// one decodes one element.
func (c *cursor) one(p *op) error {
	switch p.kind {
	case bytesOf, prefixed, terminated, hexBytes:
		return c.string(p)
	case pascal:
		return c.pascal(p)
	case varint:
		return c.varint(p)
	}
	for len(c.bytes()) < p.width {
		if err := c.more(p, int64(p.width-len(c.bytes()))); err != nil {
			return err
		}
	}
	b := c.bytes()[:p.width]
	if p.slot > 0 {
		c.slots[p.slot-1] = p.lastInteger(b)
	}
	switch {
	case p.hidden:
	case p.kind == bitfield:
		first := c.element * int64(len(p.bits))
		c.ready = c.d.bitfield(c.ready, p, p.load(b), func(dst []byte, i int) []byte { return c.before(dst, p, first+int64(i)) })
	case p.kind == constant:
		if !bytes.Equal(b, p.text) {
			return c.bad("constant %s at offset %d: got %x", p.Code, c.offset+c.at, b)
		}
	case p.kind == checksum && p.to:
		c.open, c.own, c.found, c.where = p.item, c.sums[p.sum], p.load(b), c.at
	case p.kind == checksum:
		if err := c.verify(p.item, c.sums[p.sum].sum(), p.load(b), c.at); err != nil {
			return err
		}
	default:
		c.ready = c.d.element(c.before(c.ready, p, c.element), p, b)
	}
	c.pass(p, p.width)
	return nil
}

// varint decodes a varint.
func (c *cursor) varint(p *op) error {
	w, n, err := c.integer(p, p.item)
	if err != nil {
		return err
	}
	if p.slot > 0 {
		c.slots[p.slot-1] = w
	}
	if !p.hidden {
		c.ready = c.before(c.ready, p, c.element)
		start := len(c.ready)
		c.ready = c.d.escapeField(w.appendRadix(c.ready, c.d.o.radix(), 0), start)
	}
	c.pass(p, n)
	return nil
}

// integer reads the integer it of n bytes, which begins an element of p.
func (c *cursor) integer(p *op, it *item) (w whole, n int, err error) {
	for {
		w, n, bad := it.takeLength(c.bytes())
		if bad != nil {
			return w, 0, c.atOffset(bad, c.at)
		}
		if n > 0 {
			return w, n, nil
		}
		if err := c.more(p, int64(max(1, it.width-len(c.bytes())))); err != nil {
			return w, 0, err
		}
	}
}

// verify compares the checksum at offset at of the record with the computed one.
func (c *cursor) verify(it *item, want, got uint64, at int64) error {
	c.open = nil
	if got != want {
		return c.bad("checksum %s at offset %d: got %0*x, computed %0*x", it.Code, c.offset+at, 2*it.width, got, 2*it.width, want)
	}
	return nil
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
