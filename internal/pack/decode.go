package pack

import (
	"bytes"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// A Decoder writes records as text. It keeps no state between records and can be
// used by several goroutines at once.
type Decoder struct {
	f   *Format
	o   Options
	ops []op

	lead   []byte // in front of the offset
	follow []byte // between the offset and the first value
	tail   []byte // ends a record
	escape escaper
	sep    byte // the byte of the separator that all fields have escaped
}

// An op is an item with the text around its values.
type op struct {
	*Item
	before []byte   // in front of the first value
	next   []byte   // in front of each other value
	after  []byte   // behind the last value
	each   [][]byte // with a name for each value: in front of each
	escape *escaper
	plain  bool // an integer of at most 64 bits in decimal, with nothing to escape
}

// NewDecoder prepares the decoding of records of f.
func NewDecoder(f *Format, o Options) *Decoder {
	d := &Decoder{f: f, o: o, ops: make([]op, len(f.Items))}
	d.escape.shell = o.Shell
	if !o.JSON && !o.Shell && !o.Raw && o.Separator != "" {
		d.escape.special = separatorByte(o.Separator)
		d.sep = d.escape.special
	}
	begin, separator, end := "", o.separator(), ""
	switch {
	case o.JSON && o.named(f):
		begin, separator, end = "{", ",", "}"
	case o.JSON:
		begin, separator, end = "[", ",", "]"
	case o.Shell:
		separator = " "
	}
	d.lead, d.follow = []byte(begin), []byte(separator)
	if o.Offsets && o.JSON && o.named(f) {
		d.lead = []byte(`{"offset":`)
	} else if o.Offsets && o.Shell {
		d.lead = []byte("offset=")
	}
	d.tail = append([]byte(end), o.end())
	first := []byte(begin)
	if o.Offsets {
		first = d.follow
	}
	seen := false
	for i := range f.Items {
		d.ops[i].Item = &f.Items[i]
		if d.prepare(&d.ops[i], first, []byte(separator), seen) {
			seen = true
		}
	}
	if !seen && !o.Offsets {
		d.tail = append([]byte(begin), d.tail...)
	}
	return d
}

// prepare works out the text around the values of an item and reports whether it
// has any.
func (d *Decoder) prepare(p *op, first, separator []byte, seen bool) bool {
	p.escape = &d.escape
	p.plain = p.kind == integer && p.width <= 8 && (d.o.Radix == 0 || d.o.Radix == 10) && d.sep == 0
	per := p.perElement()
	if per == 0 || p.elements() == 0 && !p.Rest {
		return false
	}
	p.before, p.next = separator, separator
	if !seen {
		p.before = first
	}
	blankless := p.Rest && p.stringLike() && p.elements() == 0 && p.first == 0 && d.o.Separator == ""
	if blankless && !d.o.Offsets && !d.o.JSON && !d.o.Shell {
		// A lone value would be split at its blanks when it is read back.
		p.escape = &escaper{special: d.escape.special, blanks: true}
	}
	switch {
	case d.o.Names != nil && (d.o.JSON || d.o.Shell):
		for j := range p.elements() * per {
			lead := separator
			if j == 0 {
				lead = p.before
			}
			p.each = append(p.each, d.key(lead, d.o.Names[p.first+j]))
		}
	case d.o.Shell:
		p.before = d.key(p.before, p.Name)
	case d.o.JSON && d.o.named(d.f):
		p.before = d.key(p.before, p.Name)
		if per > 1 || p.Count != 1 && p.kind != bytesOf && p.kind != pascal || p.Rest && p.elements() == 0 {
			p.before = append(p.before, '[')
			p.after = []byte("]")
		}
	}
	return true
}

// key appends a name to what stands in front of a value.
func (d *Decoder) key(lead []byte, name string) []byte {
	lead = bytes.Clone(lead)
	if d.o.Shell {
		return append(append(lead, name...), '=')
	}
	return append(appendJSONString(lead, []byte(name)), ':')
}

// start writes what comes before the first value.
func (d *Decoder) start(dst []byte, offset int64) []byte {
	if d.o.Offsets {
		dst = append(dst, d.lead...)
		dst = appendInt(dst, offset)
	}
	return dst
}

// record writes the record in rec, of a fixed size, that lies at offset of the
// input.
func (d *Decoder) record(dst, rec []byte, offset int64) []byte {
	if d.o.Offsets {
		dst = d.start(dst, offset)
	}
	for i := range d.ops {
		p := &d.ops[i]
		switch {
		case p.kind == pad:
		case p.plain && p.each == nil:
			dst = d.integers(dst, p, rec[p.offset:])
		default:
			dst = d.item(dst, p, rec[p.offset:])
		}
	}
	return lead(dst, d.tail)
}

// item writes all elements of an item whose bytes b starts with.
func (d *Decoder) item(dst []byte, p *op, b []byte) []byte {
	n := p.elements()
	for j := range n {
		dst = d.separate(dst, p, j*p.perElement())
		size := int64(p.width)
		if p.kind == bytesOf || p.kind == pascal {
			size = p.Count
		}
		dst = d.element(dst, p, b[:size], j)
		b = b[size:]
	}
	if len(p.after) > 0 {
		dst = append(dst, p.after...)
	}
	return dst
}

// separate writes what stands in front of the value j of an item.
func (d *Decoder) separate(dst []byte, p *op, j int64) []byte {
	switch {
	case p.each != nil:
		return append(dst, p.each[j]...)
	case j == 0:
		return lead(dst, p.before)
	}
	return lead(dst, p.next)
}

// lead appends what stands in front of a value: mostly one byte.
func lead(dst, text []byte) []byte {
	if len(text) == 1 {
		return append(dst, text[0])
	}
	return append(dst, text...)
}

// integers writes decimal integers of at most eight bytes.
func (d *Decoder) integers(dst []byte, p *op, b []byte) []byte {
	text := p.before
	shift := 64 - 8*uint(p.width)
	for range p.Count {
		room := len(text) + 1 + uintRoom
		n := len(dst)
		if cap(dst)-n < room {
			dst = slices.Grow(dst, room)
		}
		out := dst[n : n+room]
		k := 1
		if len(text) == 1 {
			out[0] = text[0]
		} else {
			k = copy(out, text)
		}
		text = p.next
		v := d.f.load(b[:p.width])
		b = b[p.width:]
		if p.signed {
			s := int64(v<<shift) >> shift
			sign := uint64(s >> 63)
			out[k] = '-'
			k += int(sign & 1)
			v = (uint64(s) ^ sign) - sign
		}
		k += putUint(out[k:k+uintRoom], v)
		dst = dst[:n+k]
	}
	if len(p.after) > 0 {
		dst = append(dst, p.after...)
	}
	return dst
}

// element writes one element; j is its number within the item.
func (d *Decoder) element(dst []byte, p *op, b []byte, j int64) []byte {
	start := len(dst)
	switch p.kind {
	case pad:
		return dst
	case char, bytesOf:
		if d.o.Trim && p.kind == bytesOf {
			b = bytes.TrimRight(b, "\x00")
		}
		return d.text(dst, p, b)
	case pascal:
		return d.text(dst, p, pascalString(b))
	case truth:
		return d.truth(dst, b[0] != 0)
	case integer:
		hi, lo := d.f.loadWide(b)
		dst = fromTwos(hi, lo, 8*len(b), p.signed).appendRadix(dst, d.o.Radix10(), 8*len(b))
	case float:
		return d.float(dst, floatOf(d.f.load(b), p.width), p.width)
	case complexNum:
		half := p.width / 2
		dst = d.quoted(dst, func(dst []byte) []byte {
			return appendComplex(dst, floatOf(d.f.load(b[:half]), half), floatOf(d.f.load(b[half:]), half), half)
		})
	case bitfield:
		return d.bitfield(dst, p, d.f.load(b), j)
	case instant:
		v := int64(d.f.load(b))
		dst = d.quoted(dst, func(dst []byte) []byte { return appendInstant(dst, v) })
	case hexBytes:
		dst = d.quoted(dst, func(dst []byte) []byte { return appendHex(dst, b) })
	default:
		dst = d.quoted(dst, func(dst []byte) []byte { return appendAddress(dst, p.kind, b) })
	}
	return d.escapeField(dst, start)
}

// Radix10 is the radix, with its default.
func (o *Options) Radix10() int {
	if o.Radix == 0 {
		return 10
	}
	return o.Radix
}

// quoted writes a value that is no JSON number.
func (d *Decoder) quoted(dst []byte, value func([]byte) []byte) []byte {
	if !d.o.JSON {
		return value(dst)
	}
	return append(value(append(dst, '"')), '"')
}

// escapeField escapes the separator within a field that is no string.
func (d *Decoder) escapeField(dst []byte, start int) []byte {
	if d.sep == 0 || bytes.IndexByte(dst[start:], d.sep) < 0 {
		return dst
	}
	field := bytes.Clone(dst[start:])
	dst = dst[:start]
	for _, c := range field {
		if c == d.sep {
			dst = appendHexEscape(dst, c)
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

func (d *Decoder) truth(dst []byte, v bool) []byte {
	switch {
	case d.o.JSON:
		return strconv.AppendBool(dst, v)
	case v:
		return append(dst, '1')
	}
	return append(dst, '0')
}

func (d *Decoder) float(dst []byte, v float64, width int) []byte {
	start := len(dst)
	if !d.o.JSON {
		return d.escapeField(appendFloat(dst, v, width), start)
	}
	switch {
	case v != v || math.IsInf(v, 0):
		return append(appendFloat(append(dst, '"'), v, width), '"')
	case v == 0 && math.Signbit(v):
		return append(dst, "-0.0"...)
	}
	return appendFloat(dst, v, width)
}

// bitfield writes the fields of a word, the most significant first.
func (d *Decoder) bitfield(dst []byte, p *op, v uint64, j int64) []byte {
	v <<= 64 - 8*uint(p.width)
	for i, n := range p.bits {
		if i > 0 {
			dst = d.separate(dst, p, j*int64(len(p.bits))+int64(i))
		}
		start := len(dst)
		field := v >> (64 - n)
		v <<= n
		dst = whole{lo: field}.appendRadix(dst, d.o.Radix10(), int(n))
		dst = d.escapeField(dst, start)
	}
	return dst
}

// text writes a whole string.
func (d *Decoder) text(dst []byte, p *op, b []byte) []byte {
	switch {
	case d.o.JSON:
		return appendJSONBytes(dst, b)
	case d.o.Shell:
		dst = append(dst, '\'')
		dst = d.piece(dst, p, b)
		return append(dst, '\'')
	}
	return d.piece(dst, p, b)
}

// piece writes a string without the quotes around it.
func (d *Decoder) piece(dst []byte, p *op, b []byte) []byte {
	if d.o.Raw {
		if d.o.Shell {
			// A variable cannot hold a NUL byte: that alone is escaped.
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

// load reads an unsigned integer of at most eight bytes in the format's order.
func (f *Format) load(b []byte) uint64 {
	var v uint64
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		v = uint64(b[1]) | uint64(b[0])<<8
		if f.little {
			v = uint64(bits.ReverseBytes16(uint16(v)))
		}
		return v
	case 4:
		w := uint32(b[3]) | uint32(b[2])<<8 | uint32(b[1])<<16 | uint32(b[0])<<24
		if f.little {
			w = bits.ReverseBytes32(w)
		}
		return uint64(w)
	case 8:
		v = uint64(b[7]) | uint64(b[6])<<8 | uint64(b[5])<<16 | uint64(b[4])<<24 |
			uint64(b[3])<<32 | uint64(b[2])<<40 | uint64(b[1])<<48 | uint64(b[0])<<56
		if f.little {
			v = bits.ReverseBytes64(v)
		}
		return v
	}
	_, v = f.loadWide(b)
	return v
}

// loadWide reads an unsigned integer of at most sixteen bytes.
func (f *Format) loadWide(b []byte) (hi, lo uint64) {
	for i := range b {
		c := b[i]
		if f.little {
			c = b[len(b)-1-i]
		}
		hi = hi<<8 | lo>>56
		lo = lo<<8 | uint64(c)
	}
	return hi, lo
}
