package pack

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A packing is the encoding of one record: a walk over the items of a format, and
// over those of its groups.
type packing struct {
	e      *Encoder
	s      *scratch
	fields []field
	v      int   // fields that are used
	start  int   // where the record begins
	from   int   // where the next checksum begins
	open   *item // a checksum whose {to} is still to come
	openAt int   // where it is

	counts []count // by slot
	// lengths are the string lengths that are computed, in the order of the integers
	// that hold them; -1 is not known yet. The measuring pass finds them, and the
	// second pass writes them.
	lengths   []int64
	length    int // lengths that are used
	measuring bool
}

// A count is an integer that something refers to.
type count struct {
	n      int64
	length int // the index of its length, if it is one
}

// sequence appends the items of s.
func (p *packing) sequence(dst []byte, s *sequence) ([]byte, error) {
	for i := range s.items {
		it := &s.items[i]
		if a := it.align; a > 1 && (p.e.f.native || it.kind == boundary) {
			dst = zeros(dst, int64((a-(len(dst)-p.start)%a)%a))
		}
		var err error
		if it.kind < group && it.kind != pad && !it.computed() {
			dst, err = p.values(dst, it)
		} else {
			dst, err = p.item(dst, it)
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// item appends all elements of an item that has no values of its own.
func (p *packing) item(dst []byte, it *item) ([]byte, error) {
	switch it.kind {
	case pad:
		n, err := p.countOf(it)
		if err == nil && !it.Rest {
			if err = p.room(dst, n); err == nil {
				dst = zeros(dst, n)
			}
		}
		return dst, err
	case group:
		return p.group(dst, it)
	case constant:
		if err := p.room(dst, saturated(it.Count, int64(it.width))); err != nil || it.Rest {
			return dst, err
		}
		for range it.Count {
			dst = append(dst, it.text...)
		}
		return dst, nil
	case checksum:
		at := len(dst)
		dst = zeros(dst, int64(it.width))
		if p.open, p.openAt = it, at; !it.to {
			p.sum(dst[:at], at, it)
		}
		return dst, nil
	case from:
		p.from = len(dst)
		return dst, nil
	case upTo:
		if p.e.f.sums != nil {
			p.sum(dst, p.openAt, p.open)
		}
		return dst, nil
	case boundary:
		return dst, nil
	}
	return p.computed(dst, it)
}

// room reports why n bytes more are too many.
func (p *packing) room(dst []byte, n int64) error {
	if size := plus(int64(len(dst)-p.start), n); p.e.o.tooLong(size) || size > largestRecord {
		return p.e.recordTooLong(size)
	}
	return nil
}

// sum writes the checksum of the bytes since the last {from} at an index of dst.
func (p *packing) sum(dst []byte, at int, it *item) {
	s := p.e.f.sums[it.sum].start()
	s.add(dst[p.from:])
	it.store(dst[:at], 0, s.sum(), it.width)
}

// group appends the elements of a group.
func (p *packing) group(dst []byte, it *item) ([]byte, error) {
	n, err := p.countOf(it)
	if err != nil {
		return dst, err
	}
	if it.Rest {
		n = -1
	}
	for i := int64(0); i != n && (n >= 0 || p.v < len(p.fields)); i++ {
		v, at := p.v, len(dst)
		if dst, err = p.sequence(dst, it.group); err == nil {
			err = p.room(dst, 0)
		}
		if e, ok := err.(*DataError); ok {
			e.Why = groupPlace(i+1, n) + e.Why
		}
		if err != nil || p.v == v && (n < 0 || len(dst) == at) {
			return dst, err // with a nil err: the elements are empty
		}
	}
	return dst, nil
}

// countOf is the count of an item, which may be an integer that came before.
func (p *packing) countOf(it *item) (int64, error) {
	if it.counter == 0 {
		return it.Count, nil
	}
	n := p.counts[it.counter-1].n
	if n < 0 {
		return 0, it.countError(fmt.Sprint(n), "is negative")
	}
	return n, nil
}

// computed appends an integer that holds the length of a string.
func (p *packing) computed(dst []byte, it *item) ([]byte, error) {
	if p.measuring {
		p.lengths = append(p.lengths, -1)
	}
	n := max(p.lengths[p.length], 0)
	p.counts[it.slot-1] = count{n: n, length: p.length}
	p.length++
	out, err := it.appendLength(dst, n)
	if err != nil {
		return dst, dataf("length %s: %s", quote(it.Name), err)
	}
	return out, nil
}

// sized sets the computed length of a string while measuring; otherwise it checks the
// length against the integer that holds it.
func (p *packing) sized(it *item, n int64) error {
	c := &p.counts[it.counter-1]
	if c.length >= 0 && p.measuring {
		switch l := &p.lengths[c.length]; {
		case *l < 0:
			*l = n
		case *l != n:
			return dataf("strings of %d and %d bytes refer to one length", *l, n)
		}
		return nil
	}
	if c.n != n {
		return dataf("string of %d bytes refers to the length %d", n, c.n)
	}
	return nil
}

// values appends the elements of an item that are made of values.
func (p *packing) values(dst []byte, it *item) ([]byte, error) {
	n, per := it.elements, int(it.perElement)
	if it.Rest && n == 0 {
		left := len(p.fields) - p.v
		if left%per != 0 {
			return dst, dataf("pack expected a multiple of %d items for %s (got %d)", per, quote(it.Code), left)
		}
		n = int64(left / per)
	}
	for range n {
		if len(p.fields)-p.v < per {
			return dst, dataf("pack expected at least %d items for packing (got %d)", visible(p.fields, p.v+per), visible(p.fields, len(p.fields)))
		}
		var err error
		at := len(dst)
		if it.kind == bitfield {
			dst, err = p.bitfield(dst, it)
		} else {
			dst, err = p.e.element(dst, it, &p.fields[p.v], p.s)
		}
		if err == nil && (it.counter > 0 || it.slot > 0) {
			err = p.refer(it, dst[at:])
		}
		if err != nil {
			return dst, atValue(err, int64(p.v)+1)
		}
		p.v += per
	}
	return dst, nil
}

// refer checks the size of a string against the integer that is its length, or keeps an
// integer that something refers to; b is what was appended.
func (p *packing) refer(it *item, b []byte) error {
	if it.counter > 0 {
		return p.sized(it, int64(len(b)))
	}
	w, _, _ := it.takeLength(b)
	p.counts[it.slot-1] = count{n: w.int64(), length: -1}
	return nil
}

// int64 is w, -1 if it is negative, or the largest int64 if it is larger.
func (w whole) int64() int64 {
	switch {
	case w.negative:
		return -1
	case w.hi > 0 || w.lo > math.MaxInt64:
		return math.MaxInt64
	}
	return int64(w.lo)
}

// bitfield appends a word made of its fields.
func (p *packing) bitfield(dst []byte, it *item) ([]byte, error) {
	var word uint64
	shift := 0
	for i, n := range it.bits {
		text, err := p.e.word(it, &p.fields[p.v+i], p.s)
		if err != nil {
			return dst, atValue(err, int64(p.v+i)+1)
		}
		_, lo, err := p.e.integer(it, text, int(n))
		if err != nil {
			return dst, atValue(err, int64(p.v+i)+1)
		}
		lo = lo << (64 - n) >> (64 - n)
		if it.lsb {
			word |= lo << shift
			shift += int(n)
		} else {
			word = word<<n | lo
		}
	}
	return it.store(dst, 0, word, it.width), nil
}

// store appends an integer of width bytes.
func (it *item) store(dst []byte, hi, lo uint64, width int) []byte {
	switch width {
	case 1:
		return append(dst, byte(lo))
	case 2:
		if it.little {
			return binary.LittleEndian.AppendUint16(dst, uint16(lo))
		}
		return binary.BigEndian.AppendUint16(dst, uint16(lo))
	case 4:
		if it.little {
			return binary.LittleEndian.AppendUint32(dst, uint32(lo))
		}
		return binary.BigEndian.AppendUint32(dst, uint32(lo))
	case 8:
		if it.little {
			return binary.LittleEndian.AppendUint64(dst, lo)
		}
		return binary.BigEndian.AppendUint64(dst, lo)
	}
	var b [16]byte
	if it.little {
		binary.LittleEndian.PutUint64(b[:], lo)
		binary.LittleEndian.PutUint64(b[8:], hi)
		return append(dst, b[:width]...)
	}
	binary.BigEndian.PutUint64(b[:], hi)
	binary.BigEndian.PutUint64(b[8:], lo)
	return append(dst, b[16-width:]...)
}
