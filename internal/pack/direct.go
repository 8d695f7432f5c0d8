package pack

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
)

// direct reports whether lines of e can be read field by field in one pass: each
// value an integer, a float or a string, one separator between them, nothing
// that asks for a second look. What direct meets and does not expect it leaves to
// the general path, which knows all errors.
func (e *Encoder) direct() bool {
	if e.o.JSON || e.o.Form != Raw || e.o.Wrap || e.o.Strict || e.f.native || e.f.values < 2 || !e.f.fixed || len(e.o.Separator) > 1 {
		return false
	}
	for i := range e.f.Items {
		it := &e.f.Items[i]
		switch it.kind {
		case integer:
			if it.Count != 1 || it.width > 8 || it.width&(it.width-1) != 0 {
				return false
			}
		case float:
			if it.Count != 1 || it.width == 2 {
				return false
			}
		case bytesOf, pad:
			if it.Count > smallPadding {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// directRoom is how many bytes must follow a field, for reading whole words.
const directRoom = digitRoom + 1

// directLines appends the records of the lines that chunk begins with, up to the
// first that is anything but plain. It returns how many bytes and lines it took.
func (e *Encoder) directLines(dst, chunk []byte, s *scratch) ([]byte, int, int64) {
	separator, end := e.o.separator()[0], e.o.end()
	size := int(e.f.size)
	at, lines := 0, int64(0)
	for {
		n := len(dst)
		if cap(dst)-n < size+8 {
			dst = slices.Grow(dst, max(size+8, len(chunk)/4))
		}
		took := e.directLine(dst[n:n+size+8], chunk[at:], separator, end, s)
		if took == 0 {
			return dst, at, lines
		}
		dst = dst[:n+size]
		at += took
		lines++
	}
}

// directLine reads one line from b into record, which has 8 bytes more than it
// needs. It returns the length of the line with its end, 0 if it is not plain.
func (e *Encoder) directLine(record, b []byte, separator, end byte, s *scratch) int {
	at, cut := 0, int64(0)
	left := e.f.values
	for i := range e.f.Items {
		it := &e.f.Items[i]
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
			if len(b)-at > directRoom {
				n = e.directInteger(record, b[at:at+directRoom], it, stop)
			}
			record = record[it.width:]
		case float:
			n = e.directFloat(record, b[at:], it, stop)
			record = record[it.width:]
		default:
			n = directString(record[:it.Count], b[at:], stop, separator, end)
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
	s.cut += cut
	return at
}

// directInteger reads an integer up to stop and returns its length, -1 if it is
// not plain or does not fit.
func (e *Encoder) directInteger(record, b []byte, it *Item, stop byte) int {
	_ = b[directRoom-1]
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
	v = (v ^ -uint64(sign)) + uint64(sign)
	if e.f.little {
		binary.LittleEndian.PutUint64(record, v)
	} else {
		binary.BigEndian.PutUint64(record, v<<(64-width))
	}
	return n + sign
}

// directFloat reads a float up to stop and returns its length, -1 if it is none,
// has blanks around it, or is too large.
func (e *Encoder) directFloat(record, b []byte, it *Item, stop byte) int {
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
	if e.f.little {
		binary.LittleEndian.PutUint64(record, word)
	} else {
		binary.BigEndian.PutUint64(record, word<<(64-8*uint(it.width)))
	}
	return n
}

// directString copies a string up to stop into field, cut or padded, and returns
// its length, -1 if the line ends before.
func directString(field, b []byte, stop, separator, end byte) int {
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
