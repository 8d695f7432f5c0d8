package pack

import (
	"math"
	"unicode/utf8"
)

// A Format is a compiled format string: the layout of one record.
type Format struct {
	// Text is the format as it was written.
	Text string
	// items are its items in order, alignment not among them.
	items []item

	little bool  // the byte order
	native bool  // '@': native sizes and alignment
	fixed  bool  // every record has the same size
	rest   bool  // the last item takes all that is left
	size   int64 // bytes of a record; the least there can be if not fixed
	values int64 // values of a record, those of a final '*' not counted
}

// kind is what an item's bytes mean.
type kind uint8

const (
	pad        kind = iota // x
	char                   // c
	truth                  // ?
	integer                // b B h H i I l L q Q n N P {u24}...
	float                  // e f d
	complexNum             // Zf Zd
	bytesOf                // s
	pascal                 // p
	varint                 // {leb} {sleb} {zz} {vlq}
	terminated             // {z}
	hexBytes               // {hexN}
	ip4                    // {ip4}
	ip6                    // {ip6}
	mac                    // {mac}
	uuid                   // {uuid}
	instant                // {time} {time64}
	bitfield               // {bits 4,4,8}
	prefixed               // H/s
)

// An item is one code of a format with its count.
type item struct {
	// Code is the item as it was written, without its count and name.
	Code string
	// Name is what stood between colons after it.
	Name string
	// Count is the repeat count, for s and p the length.
	Count int64
	// Rest is set when the count was '*': as many as are left.
	Rest bool

	kind    kind
	signed  bool
	width   int     // bytes of one element; 1 for s and p
	align   int     // in native mode
	bits    []uint8 // widths of the fields of a bitfield
	length  *item   // the integer in front of a prefixed string
	varies  bool    // one element has no fixed size
	pointer bool    // P takes negative numbers too, as Python's does
	offset  int64   // from the start of the record; -1 when that varies
	padding int64   // alignment bytes in front of it, if offset is known
	first   int64   // the number of its first value, from 0
}

// elements is how many elements the item has, each made of perElement values;
// a final '*' has none of its own.
func (it *item) elements() int64 {
	switch {
	case it.kind == bytesOf || it.kind == pascal:
		return 1
	case it.Rest:
		return 0
	}
	return it.Count
}

// perElement is how many values one element stands for.
func (it *item) perElement() int64 {
	switch it.kind {
	case pad:
		return 0
	case bitfield:
		return int64(len(it.bits))
	}
	return 1
}

// several reports whether the item stands for any number of values but one.
func (it *item) several() bool {
	return it.Rest && it.elements() == 0 || it.elements()*it.perElement() != 1
}

// least is the size of the smallest element.
func (it *item) least() int64 {
	switch it.kind {
	case varint, terminated:
		return 1
	case prefixed:
		return int64(max(it.length.width, 1))
	}
	return int64(it.width)
}

// leastSize is the least number of bytes of the item.
func (it *item) leastSize() int64 {
	if it.Rest {
		return 0
	}
	return saturated(it.Count, it.least())
}

// isLone reports whether the format is one integer code I or L, in standard size.
func (f *Format) isLone() bool {
	if len(f.items) != 1 || !f.fixed {
		return false
	}
	it := &f.items[0]
	return it.kind == integer && it.width == 4 && !it.signed && !it.pointer && it.Count == 1
}

// stringLike reports whether the values of the item are text, in which blanks
// may stand.
func (it *item) stringLike() bool {
	switch it.kind {
	case char, bytesOf, pascal, terminated, prefixed:
		return true
	}
	return false
}

// isInteger reports whether a value of the item can hold a length.
func (it *item) isInteger() bool {
	return it.kind == integer || it.kind == varint || it.kind == bitfield
}

// Size returns the number of bytes of one record, and false if that varies.
func (f *Format) Size() (int64, bool) { return f.size, f.fixed }

// Values returns the number of values of one record, and false if the last item
// takes as many as are left.
func (f *Format) Values() (int64, bool) {
	return f.values, !f.open()
}

// open reports whether a record can have any number of values.
func (f *Format) open() bool {
	if !f.rest {
		return false
	}
	switch f.last().kind {
	case pad, bytesOf, pascal:
		return false
	}
	return true
}

func (f *Format) last() *item { return &f.items[len(f.items)-1] }

// Parse compiles a format. Its error is a *[FormatError].
func Parse(text string) (*Format, error) {
	p := parser{f: &Format{Text: text, fixed: true}, text: text}
	if err := p.order(); err != nil {
		return nil, err
	}
	for {
		more, err := p.item()
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	return p.f, nil
}

// A parser is somewhere in a format.
type parser struct {
	f    *Format
	text string
	at   int
}

// fail is an error at the byte index at.
func (p *parser) fail(at int, why string) error {
	return &FormatError{Why: why, Position: utf8.RuneCountInString(p.text[:at]) + 1, Format: p.text}
}

// badChar is Python's error for what it does not know, with the character.
func (p *parser) badChar(at int) error {
	r, n := utf8.DecodeRuneInString(p.text[at:])
	s := string(r)
	if r == utf8.RuneError {
		s = p.text[at : at+n]
	}
	return p.fail(at, "bad char in struct format: "+quote(s))
}

func (p *parser) tooLong(at int) error { return p.fail(at, "total struct size too long") }

// order reads the first character; without one it is '!'.
func (p *parser) order() error {
	if p.text == "" {
		return nil
	}
	p.at = 1
	switch p.text[0] {
	case '@':
		p.f.native, p.f.little = true, nativeLittle
	case '=':
		p.f.little = nativeLittle
	case '<':
		p.f.little = true
	case '>', '!':
	default:
		p.at = 0
	}
	return nil
}

// isSpace is C's isspace.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func (p *parser) skipSpace() {
	for p.at < len(p.text) && isSpace(p.text[p.at]) {
		p.at++
	}
}

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// item reads one item with its count and its name, and reports whether there
// was one.
func (p *parser) item() (bool, error) {
	p.skipSpace()
	if p.at == len(p.text) {
		return false, nil
	}
	start := p.at
	if p.f.rest {
		return false, p.fail(start, "item after the one that takes all that is left, "+quote("*"+p.f.last().Code)+",")
	}
	it := item{Count: 1}
	if err := p.count(&it); err != nil {
		return false, err
	}
	at := p.at
	if err := p.code(&it); err != nil {
		return false, err
	}
	if p.peek() == '/' {
		if err := p.prefix(&it); err != nil {
			return false, err
		}
	}
	it.Code = p.text[at:p.at]
	if err := p.name(&it); err != nil {
		return false, err
	}
	if !p.f.add(it) {
		return false, p.tooLong(start)
	}
	return true, nil
}

// count reads the repeat count, or the '*' in its place.
func (p *parser) count(it *item) error {
	start := p.at
	c := p.peek()
	if c == '*' {
		it.Rest = true
		p.at++
	} else if c >= '0' && c <= '9' {
		n := int64(0)
		for c = p.peek(); c >= '0' && c <= '9'; c = p.peek() {
			d := int64(c - '0')
			if n > (math.MaxInt64-d)/10 {
				return p.tooLong(start)
			}
			n = n*10 + d
			p.at++
		}
		it.Count = n
	}
	if p.at == len(p.text) && p.at > start {
		return p.fail(start, "repeat count given without format specifier")
	}
	return nil
}

// prefix turns an integer followed by "/s" into a string with its length in
// front.
func (p *parser) prefix(it *item) error {
	if it.kind != integer && it.kind != varint || it.pointer || p.at+1 == len(p.text) || p.text[p.at+1] != 's' {
		return p.badChar(p.at)
	}
	p.at += 2
	length := *it
	length.Count, length.Rest = 1, false
	length.Code = p.text[p.at-2-lengthOfCode(p.text[:p.at-2]) : p.at-2]
	*it = item{Count: it.Count, Rest: it.Rest, kind: prefixed, length: &length, varies: true, align: length.align}
	return nil
}

// lengthOfCode is the number of bytes of the code that s ends with.
func lengthOfCode(s string) int {
	if s[len(s)-1] != '}' {
		return 1
	}
	n := 1
	for s[len(s)-n] != '{' {
		n++
	}
	return n
}

// name reads a name in colons.
func (p *parser) name(it *item) error {
	at := p.at
	p.skipSpace()
	if p.peek() != ':' {
		p.at = at
		return nil
	}
	start := p.at
	end := start + 1
	for end < len(p.text) && p.text[end] != ':' {
		end++
	}
	if end == len(p.text) {
		return p.fail(start, "name without its closing ':'")
	}
	it.Name = p.text[start+1 : end]
	if it.Name == "" {
		return p.fail(start, "empty name")
	}
	if !utf8.ValidString(it.Name) {
		return p.fail(start, "name "+quote(it.Name)+" is not UTF-8") // JSON could not carry it
	}
	for i := range p.f.items {
		if p.f.items[i].Name == it.Name {
			return p.fail(start, "name "+quote(it.Name)+" given twice")
		}
	}
	p.at = end + 1
	return nil
}

// add appends it, works out where it lies, and reports whether all sizes still
// fit.
func (f *Format) add(it item) bool {
	it.offset, it.first = -1, f.values
	if f.native && it.align > 1 && f.size > 0 {
		a := int64(it.align)
		// Behind something that varies the alignment varies too: the least is 0.
		if f.fixed {
			it.padding = (a - f.size%a) % a
		}
		if it.padding > math.MaxInt64-f.size {
			return false
		}
		f.size += it.padding
	}
	if f.fixed {
		it.offset = f.size
	}
	if least := it.least(); !it.Rest && least > 0 && it.Count > (math.MaxInt64-f.size)/least {
		return false
	}
	f.size += it.leastSize()
	v := it.elements()
	if per := it.perElement(); per > 0 && v > (math.MaxInt64-f.values)/per {
		return false
	} else {
		f.values += v * per
	}
	if it.Rest || it.varies && it.Count > 0 {
		f.fixed = false
	}
	f.rest = it.Rest
	f.items = append(f.items, it)
	return true
}
