package pack

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// loneInteger returns the item of a format that is nothing but one integer, nil
// for any other: its lines are read many digits at a time.
func (e *Encoder) loneInteger() *Item {
	if len(e.f.Items) != 1 || e.o.JSON || e.o.Form != Raw {
		return nil
	}
	it := &e.f.Items[0]
	if it.kind != integer || it.Count != 1 || it.Rest || it.pointer || e.o.Wrap {
		return nil
	}
	switch it.width {
	case 1, 2, 4, 8:
		return it
	}
	return nil
}

// nonDigits marks, by its highest bit, each byte of w that is no decimal digit.
// Bytes above 127 may mark their upper neighbours as well: of a mark, only the
// first is to be trusted.
func nonDigits(w uint64) uint64 {
	return (w + 0x46464646_46464646 | (w - asciiZeros) | w) & 0x80808080_80808080
}

// eightDigits is the number that eight digits stand for, each with the value 0
// to 9, the first lowest.
func eightDigits(x uint64) uint64 {
	x = (x*10 + x>>8) & 0x00ff00ff_00ff00ff
	x = (x*100 + x>>16) & 0x0000ffff_0000ffff
	return (x*10_000 + x>>32) & 0xffffffff
}

var powers = [...]uint64{1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000}

// digitRoom is how many bytes digitRun looks at.
const digitRoom = 20

// digitRun reads the digits that b begins with, at most 19 of them: the number,
// and how many digits there are. b has digitRoom bytes. n is 0 if there is no
// digit, or one too many.
func digitRun(b []byte) (v uint64, n int) {
	_ = b[digitRoom-1]
	w := binary.LittleEndian.Uint64(b)
	n = bits.TrailingZeros64(nonDigits(w)) / 8
	if n < 8 {
		// A shift by 64 leaves nothing.
		return eightDigits((w - asciiZeros) << (64 - 8*uint(n))), n
	}
	v = eightDigits(w - asciiZeros)
	w = binary.LittleEndian.Uint64(b[8:])
	n = bits.TrailingZeros64(nonDigits(w)) / 8
	v = v*powers[n] + eightDigits((w-asciiZeros)<<(64-8*uint(n)))
	if n < 8 {
		return v, 8 + n
	}
	for n = 16; n < digitRoom; n++ {
		c := b[n] - '0'
		if c > 9 {
			return v, n
		}
		v = v*10 + uint64(c)
	}
	return 0, 0
}

// integerChunk appends the records of the lines that chunk begins with, up to the
// first that is not plain digits with at most one sign, or does not fit. It
// returns how many bytes and lines it took.
func (e *Encoder) integerChunk(dst, chunk []byte, it *Item) ([]byte, int, int64) {
	if it.width == 4 && !it.signed {
		return uint32Chunk(dst, chunk, e.f.little, e.o.end())
	}
	end := e.o.end()
	width := it.width
	greatest := ^uint64(0) >> (64 - 8*uint(width))
	if it.signed {
		greatest >>= 1
	}
	n := len(dst)
	dst = slices.Grow(dst, len(chunk)/2*width+8)
	out := dst[:cap(dst)]
	at, lines := 0, int64(0)
	for at+digitRoom+1 < len(chunk) {
		negative := 0
		if it.signed && chunk[at] == '-' {
			negative = 1
		}
		b := chunk[at+negative : at+negative+digitRoom]
		v, k := digitRun(b)
		if k == 0 || b[k] != end || v > greatest+uint64(negative) {
			break
		}
		v = (v ^ -uint64(negative)) + uint64(negative)
		if e.f.little {
			binary.LittleEndian.PutUint64(out[n:n+8], v)
		} else {
			binary.BigEndian.PutUint64(out[n:n+8], v<<(64-8*uint(width)))
		}
		n += width
		at += negative + k + 1
		lines++
	}
	return out[:n], at, lines
}

// uint32Chunk is integerChunk for the codes I and L.
func uint32Chunk(dst, chunk []byte, little bool, end byte) ([]byte, int, int64) {
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
			// At most two more, without a branch on how many.
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
