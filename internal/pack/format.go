package pack

import "math"

// A Format is a compiled format string: the layout of one record.
type Format struct {
	// Text is the format as it was written.
	Text string
	sequence

	native bool         // '@': native sizes and alignment
	slots  int          // integers that something refers to
	sized  bool         // some of them hold the length of a string and are no values
	sums   []*algorithm // the checksums in it, each once
}

// A sequence is a list of items: those of a format, or of one element of a group.
type sequence struct {
	items []item

	fixed  bool  // it always has the same size
	rest   bool  // the last item takes all that is left
	open   bool  // it can have any number of values
	size   int64 // its bytes; the least there can be if not fixed
	values int64 // its values; the least there can be if open
	align  int64 // the least common multiple of its alignments

	grouped bool     // there are groups in it
	named   bool     // its values have names
	names   []string // of its items that are members of an object in JSON; "" for the others
	bare    bool     // it is one value without a name: in JSON an element has no brackets
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
	group                  // (...)
	constant               // {=hex}
	checksum               // {crc32}...
	from                   // {from}
	upTo                   // {to}
	boundary               // {align N}
)

// An item is one code of a format with its count, or a group.
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
	little  bool      // the byte order
	width   int       // bytes of one element; 1 for s and p
	align   int       // in native mode; of a boundary in any
	bits    []uint8   // widths of the fields of a bitfield, or the form of a varint
	lsb     bool      // the fields count from the least significant bit
	length  *item     // the integer in front of a prefixed string
	group   *sequence // the element of a group
	text    []byte    // the bytes of a constant
	sum     int       // of a checksum: the index of its sum in the format
	to      bool      // of a checksum: a {to} follows
	varies  bool      // one element has no fixed size
	pointer bool      // P takes negative numbers too, as Python's does

	reference string // the name of the integer that is the count

	counter  int  // the slot of the integer that is the count, from 1; 0 is none
	slot     int  // the slot of an integer that something refers to
	isCount  bool // it is the count of elements: JSON does not show it
	isLength bool // it is the length of a string: if nothing else, it is no value

	at      int   // where it begins in the text
	offset  int64 // from the start of the record; -1 when that varies
	padding int64 // alignment bytes in front of it, if offset is known
	first   int64 // the number of its first value, from 0

	elements   int64 // how many it has; 0 if the record determines that
	perElement int64 // how many values one stands for
}

// countsBytes reports whether the count of the item is a number of bytes.
func (it *item) countsBytes() bool { return it.kind == pad || it.kind == bytesOf || it.kind == pascal }

// count sets elements and perElement; those of a group's items are known.
func (it *item) count() {
	switch {
	case it.kind == bytesOf || it.kind == pascal:
		it.elements = 1
	case !it.Rest && it.counter == 0:
		it.elements = it.Count
	}
	switch it.kind {
	case pad, constant, checksum, from, upTo, boundary:
	case bitfield:
		it.perElement = int64(len(it.bits))
	case group:
		it.perElement = it.group.values
	default:
		if !it.computed() {
			it.perElement = 1
		}
	}
}

// countError is the error of a count that the data has: length -1 of '{#n}s' is negative.
func (it *item) countError(count, why string) *DataError {
	what, code := "count", it.Code
	if it.countsBytes() {
		what = "length"
	}
	if it.reference != "" {
		code = "{#" + it.reference + "}" + code
	}
	return dataf("%s %s of %s %s", what, count, quote(code), why)
}

// computed reports whether the item is an integer that is computed, and no value.
func (it *item) computed() bool { return it.isLength && !it.isCount }

// columns is how many values JSON shows of the item.
func (it *item) columns() int64 {
	switch {
	case it.kind == group:
		return 1
	case it.isCount:
		return 0
	}
	return it.elements * it.perElement
}

// several reports whether the item stands for any number of values but one.
func (it *item) several() bool {
	return it.Rest && it.elements == 0 || it.columns() != 1
}

// least is the size of the smallest element.
func (it *item) least() int64 {
	switch it.kind {
	case varint, terminated:
		return 1
	case prefixed:
		return int64(max(it.length.width, 1))
	case group:
		return it.group.size
	}
	return int64(it.width)
}

// leastSize is the least number of bytes of the item.
func (it *item) leastSize() int64 {
	if it.Rest || it.counter > 0 {
		return 0
	}
	return saturated(it.Count, it.least())
}

// isLone reports whether the format is one unsigned integer of four bytes.
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

// any reports whether f holds for an item of s or of its groups.
func (s *sequence) any(f func(*item) bool) bool {
	for i := range s.items {
		if it := &s.items[i]; f(it) || it.kind == group && it.group.any(f) {
			return true
		}
	}
	return false
}

// Size returns the number of bytes of one record, and false if that varies.
func (f *Format) Size() (int64, bool) { return f.size, f.fixed }

// Values returns the number of values of one record, and false if it can have
// any number of them.
func (f *Format) Values() (int64, bool) { return f.values, !f.open }

func (s *sequence) last() *item { return &s.items[len(s.items)-1] }

// lone is the item of the only value of a record that can have any number of values
// and has one; nil if a record cannot have just one.
func (s *sequence) lone() *item {
	if !s.open || s.values > 1 {
		return nil
	}
	if last := s.last(); s.values == 0 && last.kind == group && last.group.values > 1 {
		return nil
	}
	return s.first()
}

// first is the item of the first value.
func (s *sequence) first() (found *item) {
	s.any(func(it *item) bool {
		if it.kind != group && it.perElement > 0 && (it.elements > 0 || it.Rest) {
			found = it
		}
		return found != nil
	})
	return found
}

// lay computes the sizes and offsets of the items of s, which begins at offset base of
// the record; base is -1 if that varies.
func (p *parser) lay(s *sequence, base int64) error {
	*s = sequence{items: s.items, fixed: true, align: 1}
	for i := range s.items {
		it := &s.items[i]
		it.offset, it.padding, it.first = -1, 0, s.values
		if !p.place(s, it, base) {
			return p.tooLong(it.at)
		}
		if err := p.add(s, it); err != nil {
			return err
		}
	}
	s.rest = len(s.items) > 0 && s.last().Rest
	shown := int64(0)
	for i := range s.items {
		it := &s.items[i]
		s.grouped = s.grouped || it.kind == group
		name := ""
		if it.isMember() {
			name = it.Name
		}
		s.names = append(s.names, name)
		s.named = s.named || name != ""
		shown = plus(shown, it.columns())
	}
	s.bare = shown == 1 && !s.named
	return nil
}

// place aligns an item, and notes its offset if that is known.
func (p *parser) place(s *sequence, it *item, base int64) bool {
	known := s.fixed && base >= 0
	if a := int64(it.align); a > 1 && (p.f.native || it.kind == boundary) {
		s.align = common(s.align, a)
		if !known {
			s.fixed = false
			return true
		}
		it.padding = (a - (base+s.size)%a) % a
		if it.padding > math.MaxInt64-base-s.size {
			return false
		}
		s.size += it.padding
	}
	if known {
		it.offset = base + s.size
	}
	return true
}

// add adds the size and the values of an item to those of s.
func (p *parser) add(s *sequence, it *item) error {
	fixed := !it.varies
	n := it.Count
	if it.Rest || it.counter > 0 {
		n, fixed = 0, false
	}
	if it.kind == group {
		g := it.group
		if err := p.lay(g, it.offset); err != nil {
			return err
		}
		if it.offset >= 0 && n != 1 && g.align > 1 && (!g.fixed || g.size%g.align != 0) {
			// Not all elements are aligned like the first: where they begin varies.
			if err := p.lay(g, -1); err != nil {
				return err
			}
		}
		if g.size == 0 && (it.Rest || g.fixed && (n == 0 || g.values == 0)) {
			return p.fail(it.at, "group without a size")
		}
		fixed = fixed && g.fixed
		s.align = common(s.align, g.align)
		s.open = s.open || n == 0 || g.open
	}
	each := it.least()
	if each > 0 && n > (math.MaxInt64-s.size)/each {
		return p.tooLong(it.at)
	}
	s.size += n * each
	it.count()
	v, per := it.elements, it.perElement
	if per > 0 && v > (math.MaxInt64-s.values)/per {
		return p.tooLong(it.at)
	}
	s.values += v * per
	s.fixed = s.fixed && (fixed || it.varies && it.Count == 0 && !it.Rest && it.counter == 0)
	s.open = s.open || it.Rest && !it.countsBytes()
	return nil
}

// common is the least common multiple of two alignments, or the largest number there is.
func common(a, b int64) int64 {
	x, y := a, b
	for y > 0 {
		x, y = y, x%y
	}
	return saturated(a/x, b)
}
