package pack

import (
	"slices"
	"strconv"
	"strings"
)

// code reads one code of struct, or one in braces, into it.
func (p *parser) code(it *item) error {
	at := p.at
	c := p.peek()
	if c == '{' {
		return p.braces(it)
	}
	p.at++
	it.width, it.align = 1, 1
	switch c {
	case 'x':
		it.kind = pad
	case 'c':
		it.kind = char
	case '?':
		it.kind = truth
	case 's':
		it.kind = bytesOf
	case 'p':
		it.kind = pascal
	case 'e', 'f', 'd':
		it.kind, it.width = float, map[byte]int{'e': 2, 'f': 4, 'd': 8}[c]
		it.align = p.alignment(it.width)
	case 'Z':
		// Python 3.15: complex numbers, aligned as their halves are.
		if c = p.peek(); c != 'f' && c != 'd' {
			return p.badChar(at)
		}
		p.at++
		it.kind, it.width = complexNum, map[byte]int{'f': 8, 'd': 16}[c]
		it.align = p.alignment(it.width / 2)
	default:
		width, signed := p.integer(c)
		if width == 0 {
			return p.badChar(at)
		}
		it.kind, it.width, it.signed = integer, width, signed
		it.pointer = c == 'P'
		it.align = p.alignment(width)
	}
	return nil
}

// alignment is the alignment of a native type of that size.
func (p *parser) alignment(width int) int {
	if width == 8 {
		return nativeWide
	}
	return width
}

// integer returns the size of an integer code, 0 if c is none, and its sign.
func (p *parser) integer(c byte) (width int, signed bool) {
	switch c {
	case 'b', 'B':
		width = 1
	case 'h', 'H':
		width = 2
	case 'i', 'I':
		width = 4
	case 'l', 'L':
		width = 4
		if p.f.native {
			width = nativeLong
		}
	case 'q', 'Q':
		width = 8
	case 'n', 'N', 'P':
		if p.f.native {
			width = nativeWord
		}
	}
	return width, c >= 'a'
}

// braces reads an item such as {u24} or {bits 4,4,8}; blanks inside mean
// nothing.
func (p *parser) braces(it *item) error {
	start := p.at
	end := strings.IndexByte(p.text[start:], '}')
	if end < 0 {
		return p.fail(start, "'{' without its '}'")
	}
	end += start
	p.at = end + 1
	word := make([]byte, 0, end-start)
	for _, c := range []byte(p.text[start+1 : end]) {
		if !isSpace(c) {
			word = append(word, c)
		}
	}
	it.align = 1
	if digits, ok := strings.CutPrefix(string(word), "="); ok {
		it.kind, it.width = constant, len(digits)/2
		if it.text, ok = parseHex(nil, []byte(digits)); !ok {
			return p.fail(start, "constant is no whole bytes of hex: "+quote(p.text[start:end+1]))
		}
		return nil
	}
	if sum, ok := algorithms[string(word)]; ok {
		p.sum(it, sum)
		return nil
	}
	if !it.brace(string(word)) {
		return p.fail(start, "bad item in braces: "+quote(p.text[start:end+1]))
	}
	return nil
}

// sum makes the item it a checksum, or an integer if checksums are not verified.
func (p *parser) sum(it *item, sum algorithm) {
	it.kind, it.width = checksum, sum.width()
	if sum == inet {
		it.little = false
	}
	if p.unverified {
		it.kind = integer
		return
	}
	it.sum = slices.Index(p.f.sums, sum)
	if it.sum < 0 {
		it.sum = len(p.f.sums)
		p.f.sums = append(p.f.sums, sum)
	}
}

// brace sets the item it to the word in braces, and reports whether there is such an
// item.
func (it *item) brace(word string) bool {
	switch word {
	case "leb", "sleb", "zz", "vlq":
		it.kind, it.varies = varint, true
		it.signed = word == "sleb" || word == "zz"
	case "z":
		it.kind, it.varies = terminated, true
	case "ip4":
		it.kind, it.width = ip4, 4
	case "ip6":
		it.kind, it.width = ip6, 16
	case "mac":
		it.kind, it.width = mac, 6
	case "uuid":
		it.kind, it.width = uuid, 16
	case "time":
		it.kind, it.width = instant, 4
	case "from":
		it.kind = from
	case "to":
		it.kind = upTo
	case "time64":
		it.kind, it.width, it.signed = instant, 8, true
	default:
		return it.measured(word)
	}
	if it.kind == varint {
		it.bits = []uint8{varintForm[word]}
	}
	return true
}

// The forms of a varint, kept in the one element of item.bits.
const (
	leb  uint8 = iota // LEB128, unsigned
	sleb              // LEB128, sign-extended
	zz                // zigzag over LEB128, as protobuf's sint
	vlq               // most significant group first, as MIDI's
)

var varintForm = map[string]uint8{"leb": leb, "sleb": sleb, "zz": zz, "vlq": vlq}

// measured reads the items that carry a number: u24, i24, hex4, bits4,4.
func (it *item) measured(word string) bool {
	if list, ok := strings.CutPrefix(word, "bits"); ok {
		list, it.lsb = strings.CutPrefix(list, "<")
		return it.bitWidths(list)
	}
	if digits, ok := strings.CutPrefix(word, "align"); ok {
		n, ok := plainNumber(digits)
		it.kind, it.align, it.varies = boundary, int(n), false
		return ok && n > 0 && n <= 1<<20
	}
	if digits, ok := strings.CutPrefix(word, "hex"); ok {
		n, ok := plainNumber(digits)
		// One element must have a size that an int can hold; more than a
		// gigabyte of digits is no field of a record.
		if !ok || n < 1 || n > 1<<30 {
			return false
		}
		it.kind, it.width = hexBytes, int(n)
		return true
	}
	if word == "" || word[0] != 'u' && word[0] != 'i' {
		return false
	}
	n, ok := plainNumber(word[1:])
	if !ok || n < 8 || n > 128 || n%8 != 0 {
		return false
	}
	it.kind, it.width, it.signed = integer, int(n/8), word[0] == 'i'
	return true
}

// bitWidths reads the widths of the fields of a bitfield.
func (it *item) bitWidths(list string) bool {
	sum := 0
	for part := range strings.SplitSeq(list, ",") {
		n, ok := plainNumber(part)
		if !ok || n < 1 || n > 64 {
			return false
		}
		if sum += int(n); sum > 64 {
			return false
		}
		it.bits = append(it.bits, uint8(n))
	}
	it.kind, it.width = bitfield, sum/8
	return sum == 8 || sum == 16 || sum == 32 || sum == 64
}

// plainNumber reads decimal digits and nothing else.
func plainNumber(s string) (int64, bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
