package pack

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
)

// A Decoder writes records as text. It keeps no state between records and can be
// used by several goroutines at once.
type Decoder struct {
	f *Format
	o Options
	level
	slots int // integers that a cursor keeps
	// convert writes the records of a chunk that begins at offset; they have a
	// fixed size. It is the fast path or the general one.
	convert func(dst, chunk []byte, offset int64) []byte

	begin     []byte // in front of a record, or of its offset
	separator []byte // between two values
	tail      []byte // ends a record
	escape    escaper
	special   byte // the byte of the separator that is escaped in all fields; 0 is none
	columns   dumpColumns
}

// A level is the items of a record, or of an element of a group, with the text
// around it.
type level struct {
	*sequence
	ops         []op
	open, close string
	fast        bool // it can take the fast path
}

// An op is an item with the text around its values.
type op struct {
	*item
	inner  *level   // of a group
	key    []byte   // with names: in front of the values
	keys   [][]byte // with a name for each value: in front of each
	list   bool     // the values, or the elements of a group, stand in brackets
	hidden bool     // the value is not shown
	simple bool     // one value of a fixed size, which the cursor can take at once
	escape *escaper
	plain  bool  // an integer of at most 64 bits in decimal, with nothing to escape
	behind int64 // the least size of all items behind it
	slot   int   // where the cursor keeps the last integer of the item, from 1; 0 is nowhere

	// On the fast path:
	lead  []byte // in front of the first value
	start int    // where in the record or element the item begins
	last  int    // where its last element begins
	size  int    // in bytes
	room  int    // the most text of integers in decimal; 0 for any other item
}

// NewDecoder prepares the decoding of records of f.
func NewDecoder(f *Format, o Options) *Decoder {
	d := &Decoder{f: f, o: o, slots: f.slots, separator: []byte(o.separator())}
	d.escape.shell = o.Shell
	if !o.JSON && !o.Shell && !o.Raw && o.Separator != "" {
		d.special = separatorByte(o.Separator)
		d.escape.special = d.special
	}
	switch {
	case o.JSON:
		d.separator = []byte(",")
	case o.Shell, o.Explain:
		d.separator = []byte(" ")
	}
	d.level = d.newLevel(&f.sequence, o.Names != nil || f.named)
	begin := d.open
	d.tail = append([]byte(d.close), o.end())
	switch {
	case o.Explain:
		d.tail = nil
		d.columns = f.dumpColumns()
	case o.Offsets && begin == "{":
		begin = `{"offset":`
	case o.Offsets && o.Shell:
		begin = "offset="
	}
	d.begin = []byte(begin)
	first := ""
	if o.Offsets {
		first = string(d.separator)
	}
	d.prepareFast(&d.level, first)
	d.convert = d.fastRecords
	if f.isLone() && d.ops[0].plain && len(d.begin)+len(d.ops[0].lead) == 0 && !o.Offsets && len(d.tail) == 1 {
		d.convert = d.loneIntegers
	}
	return d
}

// newLevel prepares the items of s, whose values have names if named is set.
func (d *Decoder) newLevel(s *sequence, named bool) level {
	l := level{sequence: s, ops: make([]op, len(s.items))}
	switch {
	case d.o.JSON && named:
		l.open, l.close = "{", "}"
	case d.o.JSON:
		l.open, l.close = "[", "]"
	}
	behind := int64(0)
	for i := len(l.ops) - 1; i >= 0; i-- {
		p := &l.ops[i]
		p.item, p.slot, p.behind = &s.items[i], s.items[i].slot, behind
		behind = plus(behind, p.leastSize())
		d.prepare(p, named)
		if p.kind == group {
			inner := d.newLevel(p.group, p.group.named)
			if p.group.bare {
				inner.open, inner.close = "", ""
			}
			d.prepareFast(&inner, string(d.separator)+inner.open)
			p.inner, p.list = &inner, d.o.JSON
		}
		p.simple = d.isFast(p) && p.Count == 1 && p.perElement == 1 && p.kind != bitfield && !p.countsBytes() && p.width > 0 &&
			!p.list && !(d.f.native && p.align > 1) && len(d.f.sums) == 0
	}
	return l
}

// prepare works out the text around the values of an item.
func (d *Decoder) prepare(p *op, named bool) {
	p.escape = &d.escape
	p.plain = p.kind == integer && p.width <= 8 && d.o.radix() == 10 && d.special == 0
	p.hidden = !d.o.Explain && (p.computed() || p.isCount && d.o.JSON)
	if p.hidden || p.perElement == 0 && p.kind != group || p.elements == 0 && !p.Rest && p.counter == 0 {
		return
	}
	if p.item == d.f.lone() && p.stringLike() && d.o.Separator == "" && !d.o.Offsets && !d.o.JSON && !d.o.Shell {
		// A lone value would be split at its blanks when it is read back.
		p.escape = &escaper{special: d.escape.special, blanks: true}
	}
	switch {
	case d.o.Names != nil && (d.o.JSON || d.o.Shell):
		for j := range p.elements * p.perElement {
			p.keys = append(p.keys, d.key(d.o.Names[p.first+j]))
		}
	case d.o.Shell, d.o.JSON && named:
		p.key = d.key(p.Name)
		p.list = d.o.JSON && p.several()
	}
}

// key is the text in front of a named value.
func (d *Decoder) key(name string) []byte {
	if d.o.Shell {
		return []byte(name + "=")
	}
	return append(appendJSONBytes(nil, []byte(name)), ':')
}

// element writes one value, of an item whose size is known.
func (d *Decoder) element(dst []byte, p *op, b []byte) []byte {
	start := len(dst)
	switch p.kind {
	case char:
		return d.text(dst, p, b)
	case truth:
		if d.o.JSON {
			return strconv.AppendBool(dst, b[0] != 0)
		}
		return append(dst, '0'+min(b[0], 1))
	case integer:
		if p.plain {
			return appendInteger(dst, p.load(b), p.width, p.signed)
		}
		hi, lo := p.loadWide(b)
		dst = fromTwos(hi, lo, 8*len(b), p.signed).appendRadix(dst, d.o.radix(), 8*len(b))
	case float:
		dst = d.float(dst, floatOf(p.load(b), p.width), p.width)
	default:
		if d.o.JSON {
			dst = append(d.unquoted(append(dst, '"'), p, b), '"')
		} else {
			dst = d.unquoted(dst, p, b)
		}
	}
	if d.special != 0 {
		dst = d.escapeField(dst, start)
	}
	return dst
}

// unquoted writes a value that JSON has as a string.
func (d *Decoder) unquoted(dst []byte, p *op, b []byte) []byte {
	switch p.kind {
	case complexNum:
		half := p.width / 2
		return appendComplex(dst, floatOf(p.load(b[:half]), half), floatOf(p.load(b[half:]), half), half)
	case instant:
		return appendInstant(dst, int64(p.load(b)))
	case hexBytes:
		return hex.AppendEncode(dst, b)
	}
	return appendAddress(dst, p.kind, b)
}

// escapeField escapes the separator within a field that is no string.
func (d *Decoder) escapeField(dst []byte, start int) []byte {
	if d.special == 0 || bytes.IndexByte(dst[start:], d.special) < 0 {
		return dst
	}
	field := bytes.Clone(dst[start:])
	dst = dst[:start]
	for _, c := range field {
		if c == d.special {
			dst = appendHexEscape(dst, c)
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

func (d *Decoder) float(dst []byte, v float64, width int) []byte {
	switch {
	case !d.o.JSON:
		return appendFloat(dst, v, width)
	case v != v || math.IsInf(v, 0):
		return append(appendFloat(append(dst, '"'), v, width), '"')
	case v == 0 && math.Signbit(v):
		return append(dst, "-0.0"...)
	}
	return appendFloat(dst, v, width)
}

// bitfield writes the fields of the word v, each behind what before writes.
func (d *Decoder) bitfield(dst []byte, p *op, v uint64, before func(dst []byte, field int) []byte) []byte {
	if !p.lsb {
		v <<= 64 - 8*uint(p.width)
	}
	for i, n := range p.bits {
		field := v >> (64 - n)
		if p.lsb {
			field = v << (64 - n) >> (64 - n)
			v >>= n
		} else {
			v <<= n
		}
		dst = before(dst, i)
		start := len(dst)
		dst = d.escapeField(whole{lo: field}.appendRadix(dst, d.o.radix(), int(n)), start)
	}
	return dst
}

// text writes a whole string.
func (d *Decoder) text(dst []byte, p *op, b []byte) []byte {
	switch {
	case d.o.JSON:
		return appendJSONBytes(dst, b)
	case d.o.Shell:
		return append(d.piece(append(dst, '\''), p, b), '\'')
	}
	return d.piece(dst, p, b)
}

// piece writes a string without the quotes around it.
func (d *Decoder) piece(dst []byte, p *op, b []byte) []byte {
	if d.o.Raw {
		if d.o.Shell {
			// A shell variable cannot hold a NUL byte: only that is escaped.
			return append(dst, shellQuoter.Replace(string(b))...)
		}
		return append(dst, b...)
	}
	dst, _ = p.escape.append(dst, b, true)
	return dst
}

var shellQuoter = strings.NewReplacer("'", `'\''`, "\x00", `\x00`)

// pascalString is the string within the bytes of p.
func pascalString(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b[1 : 1+min(int(b[0]), len(b)-1)]
}

// load reads an unsigned integer of at most eight bytes.
func (it *item) load(b []byte) uint64 {
	switch {
	case len(b) == 1:
		return uint64(b[0])
	case len(b) == 2 && it.little:
		return uint64(binary.LittleEndian.Uint16(b))
	case len(b) == 2:
		return uint64(binary.BigEndian.Uint16(b))
	case len(b) == 4 && it.little:
		return uint64(binary.LittleEndian.Uint32(b))
	case len(b) == 4:
		return uint64(binary.BigEndian.Uint32(b))
	case len(b) == 8 && it.little:
		return binary.LittleEndian.Uint64(b)
	case len(b) == 8:
		return binary.BigEndian.Uint64(b)
	}
	_, v := it.loadWide(b)
	return v
}

// loadWide reads an unsigned integer of at most sixteen bytes.
func (it *item) loadWide(b []byte) (hi, lo uint64) {
	for i := range b {
		c := b[i]
		if it.little {
			c = b[len(b)-1-i]
		}
		hi = hi<<8 | lo>>56
		lo = lo<<8 | uint64(c)
	}
	return hi, lo
}

// lastInteger is the integer in raw, for a bitfield the last of its fields.
func (it *item) lastInteger(raw []byte) whole {
	hi, lo := it.loadWide(raw)
	if it.kind == bitfield {
		n := int(it.bits[len(it.bits)-1])
		if it.lsb {
			return whole{lo: lo >> (8*len(raw) - n)}
		}
		return whole{lo: lo << (64 - n) >> (64 - n)}
	}
	return fromTwos(hi, lo, 8*len(raw), it.signed)
}
