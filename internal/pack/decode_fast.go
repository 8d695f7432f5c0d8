package pack

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"
)

// The fast path of decoding: records, and elements of groups, of a fixed size. All of
// their bytes are there, and all text around their values is known in advance.

// isFast reports whether the fast path can take the item.
func (d *Decoder) isFast(p *op) bool {
	return p.kind < group && (!p.varies || p.Count == 0) && !p.Rest && p.counter == 0 && p.slot == 0 && !p.hidden && !d.o.Explain
}

// prepareFast decides whether l can take the fast path, and works out the text in front
// of the values of each item. In front of them all stands first.
func (d *Decoder) prepareFast(l *level, first string) {
	lead, at := []byte(first), 0
	for i := range l.ops {
		p := &l.ops[i]
		if !d.isFast(p) {
			return
		}
		at += int(p.padding)
		p.start, p.size = at, int(p.leastSize())
		at += p.size
		if p.columns() == 0 {
			continue
		}
		if p.lead = append(lead, p.key...); p.keys != nil {
			p.lead = append(p.lead, p.keys[0]...)
		}
		if p.list {
			p.lead = append(p.lead, '[')
		}
		if p.plain && p.keys == nil {
			p.last = at - p.width
			p.room = len(p.lead) + int(p.Count)*(len(d.separator)+uintRoom)
		}
		lead = slices.Clip(d.separator)
	}
	l.fast = l.fixed && l.size > 0 && l.size <= smallRecord && (l == &d.level || l.values > 0 && l.align <= 1 && len(d.f.sums) == 0)
}

// fastRecords writes all records of a chunk.
func (d *Decoder) fastRecords(dst, chunk []byte, offset int64) []byte {
	size := int(d.f.size)
	for len(chunk) >= size {
		dst = appendShort(dst, d.begin)
		if d.o.Offsets {
			dst = strconv.AppendInt(dst, offset, 10)
			offset += d.f.size
		}
		dst = appendShort(d.fastValues(dst, &d.level, chunk[:size:size]), d.tail)
		chunk = chunk[size:]
	}
	return dst
}

// appendShort appends text that is mostly one byte, or none.
func appendShort(dst, text []byte) []byte {
	if len(text) == 1 {
		return append(dst, text[0])
	}
	return append(dst, text...)
}

// fastValues writes the values of one record or element.
func (d *Decoder) fastValues(dst []byte, l *level, b []byte) []byte {
	for i := range l.ops {
		p := &l.ops[i]
		if p.room == 0 {
			dst = d.fastItem(dst, p, b[p.start:p.start+p.size])
			continue
		}
		n := len(dst)
		if cap(dst)-n < p.room {
			dst = slices.Grow(dst, p.room)
		}
		dst = dst[:cap(dst)]
		lead, width := p.lead, p.width
		for at := p.start; ; at += width {
			if len(lead) == 1 {
				dst[n] = lead[0]
				n++
			} else {
				n += copy(dst[n:], lead)
			}
			out := dst[n : n+uintRoom]
			switch v := p.load(b[at : at+width]); {
			case p.signed:
				n += putInteger(out, v, uint(width), true)
			case v < tenTo8:
				n += putSmall(out, uint32(v)) // is inlined
			default:
				n += putUint(out, v)
			}
			if at == p.last {
				break
			}
			lead = d.separator
		}
		dst = dst[:n]
		if p.list {
			dst = append(dst, ']')
		}
	}
	return dst
}

// fastItem writes the values of an item other than integers in decimal.
func (d *Decoder) fastItem(dst []byte, p *op, b []byte) []byte {
	switch p.kind {
	case pad:
		return dst
	case bytesOf:
		if d.o.Trim {
			b = bytes.TrimRight(b, "\x00")
		}
		return d.text(appendShort(dst, p.lead), p, b)
	case pascal:
		return d.text(appendShort(dst, p.lead), p, pascalString(b))
	}
	for j := range p.Count {
		element := b[:p.width]
		b = b[p.width:]
		switch {
		case p.kind == bitfield:
			first := j * int64(len(p.bits))
			dst = d.bitfield(dst, p, p.load(element), func(dst []byte, k int) []byte { return d.lead(dst, p, first+int64(k)) })
		default:
			dst = d.element(d.lead(dst, p, j), p, element)
		}
	}
	if p.list {
		dst = append(dst, ']')
	}
	return dst
}

// lead writes what stands in front of the value j of an item.
func (d *Decoder) lead(dst []byte, p *op, j int64) []byte {
	if j == 0 {
		return appendShort(dst, p.lead)
	}
	dst = appendShort(dst, d.separator)
	if p.keys != nil {
		dst = append(dst, p.keys[j]...)
	}
	return dst
}

// loneIntegers writes integers of four bytes, one a line and nothing else: what speed matters
// most for.
func (d *Decoder) loneIntegers(dst, chunk []byte, _ int64) []byte {
	little, end := d.ops[0].little, d.tail[0]
	n := len(dst)
	dst = slices.Grow(dst, len(chunk)/4*11+uintRoom) // the longest lines
	out := dst[:cap(dst)]
	for ; len(chunk) >= 4; chunk = chunk[4:] {
		v := binary.LittleEndian.Uint32(chunk)
		if !little {
			v = bits.ReverseBytes32(v)
		}
		line := out[n : n+uintRoom]
		k := 0
		if v < tenTo8 {
			k = putSmall(line, v) // is inlined
		} else {
			k = putSmall(line, v/tenTo8)
			binary.LittleEndian.PutUint64(line[k:], digits8(v%tenTo8)+asciiZeros)
			k += 8
		}
		line[k] = end
		n += k + 1
	}
	return out[:n]
}
