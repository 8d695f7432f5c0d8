package pack

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// The fast path of encoding: lines of integers, floats and strings without escapes. It
// leaves all other lines, and all errors, to the general path.

// loneIntegers is the fast path of a lone integer of four bytes: it stops at a
// line that is not plain digits, or does not fit.
func (e *Encoder) loneIntegers(dst, chunk []byte, _ *packer) ([]byte, int, int64) {
	little, end := e.f.items[0].little, e.o.end()
	n := len(dst)
	dst = slices.Grow(dst, len(chunk)/2*4+4)
	out := dst[:cap(dst)]
	start := n
	at := 0
	for at+digitRoom < len(chunk) {
		b := chunk[at : at+digitRoom : at+digitRoom]
		w := binary.LittleEndian.Uint64(b)
		k := uint(bits.TrailingZeros64(nonDigits(w))) / 8
		var v uint64
		if k < 8 {
			v = eightDigits((w - asciiZeros) << (64 - 8*k))
			if k == 0 {
				break
			}
		} else {
			// At most two more digits, without a branch on their number.
			tail := binary.LittleEndian.Uint64(b[8:])
			more := uint(bits.TrailingZeros64(nonDigits(tail))) / 8
			if more > 2 {
				break
			}
			x := (tail - asciiZeros) << (16 - 8*more)
			v = eightDigits(w-asciiZeros)*powers[more&7] + x&0xff*10 + x>>8&0xff
			k += more
		}
		if b[k&15] != end || v > 1<<32-1 {
			break
		}
		if little {
			binary.LittleEndian.PutUint32(out[n:], uint32(v))
		} else {
			binary.BigEndian.PutUint32(out[n:], uint32(v))
		}
		n += 4
		at += int(k) + 1
	}
	return out[:n], at, int64(n-start) / 4
}

// plain reports whether e can take the fast path: each value is an integer, a float or
// a string, the separator is one byte, and no option needs more.
func (e *Encoder) plain() bool {
	if e.o.JSON || e.o.Form != Raw || e.o.Wrap || e.o.Strict || e.f.native || e.f.values < 1 || len(e.o.Separator) > 1 {
		return false
	}
	if !e.f.fixed || e.f.slots > 0 || e.f.size > smallRecord || e.o.tooLong(e.f.size) {
		return false
	}
	for i := range e.f.items {
		ok := false
		switch it := &e.f.items[i]; it.kind {
		case integer:
			ok = it.Count == 1 && it.width <= 8 && it.width&(it.width-1) == 0
		case float:
			ok = it.Count == 1 && it.width > 2
		case bytesOf, pad:
			ok = true
		}
		if !ok {
			return false
		}
	}
	return true
}

// fastRoom is how many bytes must follow a field, for reading whole words.
const fastRoom = digitRoom + 1

// fastLines is the fast path of plain fields.
func (e *Encoder) fastLines(dst, chunk []byte, p *packer) ([]byte, int, int64) {
	separator, end := e.o.separator()[0], e.o.end()
	size := int(e.f.size)
	at, lines := 0, int64(0)
	for {
		n := len(dst)
		if cap(dst)-n < size+8 {
			dst = slices.Grow(dst, max(size+8, len(chunk)/4))
		}
		took := e.fastLine(dst[n:n+size+8], chunk[at:], separator, end, p)
		if took == 0 {
			return dst, at, lines
		}
		dst = dst[:n+size]
		at += took
		lines++
	}
}

// fastLine reads one line from b into record, which has 8 bytes more than it
// needs. It returns the length of the line with its end, 0 if it is not plain.
func (e *Encoder) fastLine(record, b []byte, separator, end byte, p *packer) int {
	at, cut := 0, int64(0)
	left := e.f.values
	for i := range e.f.items {
		it := &e.f.items[i]
		if it.kind == pad {
			clear(record[:it.Count])
			record = record[it.Count:]
			continue
		}
		stop := separator
		if left--; left == 0 {
			stop = end
		}
		n := -1
		switch it.kind {
		case integer:
			if len(b)-at > fastRoom {
				n = e.fastInteger(record, b[at:at+fastRoom], it, stop)
			}
			record = record[it.width:]
		case float:
			n = e.fastFloat(record, b[at:], it, stop)
			record = record[it.width:]
		default:
			n = fastString(record[:it.Count], b[at:], stop, separator, end)
			record = record[it.Count:]
			if int64(n) > it.Count {
				cut++
			}
		}
		if n < 0 {
			return 0
		}
		at += n + 1
	}
	p.cut += cut
	return at
}

// fastInteger reads an integer up to stop and returns its length, -1 if it is
// not plain or does not fit.
func (e *Encoder) fastInteger(record, b []byte, it *item, stop byte) int {
	_ = b[fastRoom-1]
	sign := 0
	if b[0] == '-' && it.signed {
		sign = 1
	}
	b = b[sign:]
	v, n := digitRun(b)
	if n == 0 || b[n] != stop {
		return -1
	}
	width := uint(8 * it.width)
	limit := uint64(math.MaxUint64) >> (64 - width)
	if it.signed {
		limit = limit>>1 + uint64(sign)
	}
	if v > limit {
		return -1
	}
	it.put(record, (v^-uint64(sign))+uint64(sign))
	return n + sign
}

// put stores a number of the item's width, at most eight bytes; what it stores behind
// them will be overwritten.
func (it *item) put(record []byte, v uint64) {
	if it.little {
		binary.LittleEndian.PutUint64(record, v)
	} else {
		binary.BigEndian.PutUint64(record, v<<(64-8*uint(it.width)))
	}
}

// fastFloat reads a float up to stop and returns its length, -1 if it is none,
// has blanks around it, or is too large.
func (e *Encoder) fastFloat(record, b []byte, it *item, stop byte) int {
	n := bytes.IndexByte(b[:min(len(b), 32)], stop)
	if n < 1 || b[0] <= ' ' || b[n-1] <= ' ' {
		return -1
	}
	v, big, ok := parseFloat(b[:n])
	if !ok || big {
		return -1
	}
	word, fits := floatBits(v, it.width)
	if !fits {
		return -1
	}
	it.put(record, word)
	return n
}

// fastString copies a string up to stop into field, cut or padded, and returns
// its length, -1 if the line ends before.
func fastString(field, b []byte, stop, separator, end byte) int {
	for n, c := range b {
		if c == stop {
			copied := copy(field, b[:n])
			clear(field[copied:])
			return n
		}
		if c == separator || c == end {
			return -1
		}
	}
	return -1
}
