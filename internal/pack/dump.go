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

// A dumpLine is the current line, as far as it is known; its value is the text that is not
// final.
type dumpLine struct {
	value []byte // reused
	head  [dumpBytes]byte
	size  int64
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
		return it.withCount()
	}
	return it.Code
}

// dumpHeader names the columns.
func (d *Decoder) dumpHeader() []byte {
	return fmt.Appendf(nil, "%8s  %-*s  %-*s  %-*s  value%c", "offset", dumpHex, "bytes", d.columns.code, "code", d.columns.name, "name", d.o.end())
}

// line writes the current line, which is complete.
func (c *cursor) line(code, name string) {
	l := &c.dump
	l.value = append(l.value[:0], c.ready[c.final:]...)
	dst := fmt.Appendf(c.ready[:c.final], "%8d  ", c.offset+c.at-l.size)
	at := len(dst)
	dst = hex.AppendEncode(dst, l.head[:min(l.size, dumpBytes)])
	if l.size > dumpBytes {
		dst = append(dst, ".."...)
	}
	dst = fill(dst, at, dumpHex)
	at = len(dst)
	for range c.depth {
		dst = append(dst, "  "...)
	}
	dst = fill(append(dst, code...), at, c.d.columns.code)
	at = len(dst)
	dst = fill(append(dst, name...), at, c.d.columns.name)
	if len(l.value) > dumpText {
		cut := dumpText
		for cut > 0 && !utf8.RuneStart(l.value[cut]) {
			cut--
		}
		l.value = append(l.value[:cut], "..."...)
	}
	c.ready = append(bytes.TrimRight(append(dst, l.value...), " "), c.d.o.end())
	l.size = 0
	c.commit()
}

// fill appends blanks to the column that begins at an index of dst, and those behind it.
func fill(dst []byte, at, width int) []byte {
	for n := utf8.RuneCount(dst[at:]); n < width+2; n++ {
		dst = append(dst, ' ')
	}
	return dst
}

// explain writes the line of an element of p.
func (c *cursor) explain(p *op) {
	if p.kind == checksum {
		c.ready = fmt.Appendf(c.ready, "%#x", c.dump.head[:c.dump.size])
	}
	c.line(p.unit(), p.Name)
}

// explainSkipped writes the line of bytes that have been skipped.
func (c *cursor) explainSkipped(p *op) {
	switch {
	case c.dump.size == 0:
	case p.kind == pad || p.kind == boundary:
		c.line(p.unit(), p.Name)
	default:
		c.line("(padding)", "")
	}
}

// explainElement writes the line in front of an element of a group.
func (c *cursor) explainElement(p *op, number, count int64) {
	c.ready = fmt.Append(c.ready, number)
	if count >= 0 {
		c.ready = fmt.Appendf(c.ready, " of %d", count)
	}
	c.depth--
	c.line("(", p.Name)
	c.depth++
}
