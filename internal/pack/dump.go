package pack

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"unicode/utf8"
)

// The annotated dump of [Options.Explain]: a line for each element of an item, and
// for each element of a group, as soon as it is complete.

const (
	dumpBytes = 8  // shown in hex
	dumpText  = 64 // bytes of a value
	dumpHex   = 2*dumpBytes + len("..")
)

// dumpColumns are the widths of the columns.
type dumpColumns struct{ code, name int }

// A dumpLine is the current line, as far as it is known.
type dumpLine struct {
	text []byte // the value so far, not much longer than dumpText
	head [dumpBytes]byte
	size int64
}

// note takes the next bytes of the line into account.
func (l *dumpLine) note(b []byte) {
	if l.size < dumpBytes {
		copy(l.head[l.size:], b)
	}
	l.size += int64(len(b))
}

// dumpColumns works out how wide the columns are.
func (f *Format) dumpColumns() dumpColumns {
	c := dumpColumns{code: len("(padding)"), name: len("name")}
	c.measure(&f.sequence, 0)
	return c
}

func (c *dumpColumns) measure(s *sequence, depth int) {
	for i := range s.items {
		it := &s.items[i]
		c.name = max(c.name, utf8.RuneCountInString(it.Name))
		if it.kind == group {
			c.measure(it.group, depth+1)
		} else {
			c.code = max(c.code, 2*depth+len(it.unit()))
		}
	}
}

// unit is the code of one element.
func (it *item) unit() string {
	if it.countsBytes() {
		return it.counted()
	}
	return it.Code
}

// dumpHeader names the columns.
func (d *Decoder) dumpHeader() []byte {
	return fmt.Appendf(nil, "%8s  %-*s  %-*s  %-*s  value%c", "offset", dumpHex, "bytes", d.columns.code, "code", d.columns.name, "name", d.o.end())
}

// line appends the current line, which is complete.
func (c *cursor) line(dst []byte, code, name string) []byte {
	l := &c.dump
	dst = fmt.Appendf(dst, "%8d  ", c.offset+c.at-l.size)
	at := len(dst)
	dst = hex.AppendEncode(dst, l.head[:min(l.size, dumpBytes)])
	if l.size > dumpBytes {
		dst = append(dst, ".."...)
	}
	dst = fill(dst, at, dumpHex)
	at = len(dst)
	for range c.outer {
		dst = append(dst, "  "...)
	}
	dst = fill(append(dst, code...), at, c.d.columns.code)
	at = len(dst)
	dst = fill(append(dst, name...), at, c.d.columns.name)
	if len(l.text) > dumpText {
		cut := dumpText
		for cut > 0 && !utf8.RuneStart(l.text[cut]) {
			cut--
		}
		l.text = append(l.text[:cut], "..."...)
	}
	dst = append(bytes.TrimRight(append(dst, l.text...), " "), c.d.o.end())
	c.dump = dumpLine{text: l.text[:0]}
	c.mark = len(dst)
	return dst
}

// fill appends blanks to the column that begins at an index of dst, and those behind it.
func fill(dst []byte, at, width int) []byte {
	for n := utf8.RuneCount(dst[at:]); n < width+2; n++ {
		dst = append(dst, ' ')
	}
	return dst
}

// explain is [cursor.one] for a dump.
func (c *cursor) explain(dst []byte, p *op, b []byte) ([]byte, int, error) {
	l := &c.dump
	if l.size == 0 {
		c.comma = false
	}
	before := c.element
	text, k, err := c.one(l.text, p, b)
	l.text = text[:min(len(text), 2*dumpText)]
	if err != nil || c.element == before && k == 0 {
		return dst, k, err
	}
	l.note(b[:k])
	if c.element == before {
		return dst, k, nil
	}
	if p.kind == checksum {
		l.text = hex.AppendEncode(append(l.text, "0x"...), b[:k])
	}
	c.at += int64(k) // the line ends behind what it shows
	dst = c.line(dst, p.unit(), p.Name)
	c.at -= int64(k)
	return dst, k, nil
}

// explainSkipped writes the line of bytes that have been skipped.
func (c *cursor) explainSkipped(dst []byte, p *op) []byte {
	if p.kind == pad || p.kind == boundary {
		return c.line(dst, p.unit(), p.Name)
	}
	return c.line(dst, "(padding)", "")
}

// explainElement writes the line in front of an element of a group.
func (c *cursor) explainElement(dst []byte) []byte {
	outer := &c.outer[len(c.outer)-1]
	p := &outer.l.ops[outer.index]
	c.dump.text = fmt.Append(c.dump.text, c.number)
	if c.count >= 0 {
		c.dump.text = fmt.Appendf(c.dump.text, " of %d", c.count)
	}
	saved := c.outer
	c.outer = c.outer[:len(c.outer)-1]
	dst = c.line(dst, "(", p.Name)
	c.outer = saved
	return dst
}
