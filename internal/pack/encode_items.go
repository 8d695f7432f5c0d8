package pack

import (
	"fmt"
	"math"
)

// sequence appends the items of s.
func (p *packer) sequence(dst []byte, s *sequence) ([]byte, error) {
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
func (p *packer) item(dst []byte, it *item) ([]byte, error) {
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

// sum writes the checksum of the bytes since the last {from} at an index of dst.
func (p *packer) sum(dst []byte, at int, it *item) {
	s := p.e.f.sums[it.sum].begin()
	s.add(dst[p.from:])
	it.store(dst[:at], 0, s.sum(), it.width)
}

// group appends the elements of a group.
func (p *packer) group(dst []byte, it *item) ([]byte, error) {
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
func (p *packer) countOf(it *item) (int64, error) {
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
func (p *packer) computed(dst []byte, it *item) ([]byte, error) {
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
func (p *packer) sized(it *item, n int64) error {
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
func (p *packer) values(dst []byte, it *item) ([]byte, error) {
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
			return dst, dataf("pack expected at least %d items for packing (got %d)", p.v+per, len(p.fields))
		}
		var err error
		at := len(dst)
		if it.kind == bitfield {
			dst, err = p.bitfield(dst, it)
		} else {
			dst, err = p.element(dst, it, &p.fields[p.v])
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
func (p *packer) refer(it *item, b []byte) error {
	if it.counter > 0 {
		return p.sized(it, int64(len(b)))
	}
	w, _, _ := it.takeLength(b)
	p.counts[it.slot-1] = count{n: w.int64(), length: -1}
	return nil
}

// int64 is w, -1 if it is negative, or the largest int64 if it is larger.
func (w whole) int64() int64 {
	switch n, ok := w.size(); {
	case ok:
		return n
	case w.negative:
		return -1
	}
	return math.MaxInt64
}

// size is w, and false if w is negative or no int64 can hold it.
func (w whole) size() (int64, bool) {
	return int64(w.lo), !w.negative && w.hi == 0 && w.lo <= math.MaxInt64
}

// bitfield appends a word made of its fields.
func (p *packer) bitfield(dst []byte, it *item) ([]byte, error) {
	var word uint64
	shift := 0
	for i, n := range it.bits {
		v := &p.fields[p.v+i]
		text, err := p.value(it, v)
		if err != nil {
			return dst, atValue(err, int64(p.v+i)+1)
		}
		_, lo, err := p.e.integer(it, v, text, int(n))
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
