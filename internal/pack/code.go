package pack

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// codes are the codes of struct in standard size, those of Python 3.15 for complex
// numbers, and the items in braces that have no parameter.
var codes = map[string]item{
	"x": {kind: pad, width: 1},
	"c": {kind: char, width: 1},
	"?": {kind: truth, width: 1},
	"s": {kind: bytesOf, width: 1},
	"p": {kind: pascal, width: 1},

	"b": {kind: integer, width: 1, signed: true},
	"B": {kind: integer, width: 1},
	"h": {kind: integer, width: 2, signed: true},
	"H": {kind: integer, width: 2},
	"i": {kind: integer, width: 4, signed: true},
	"I": {kind: integer, width: 4},
	"l": {kind: integer, width: 4, signed: true},
	"L": {kind: integer, width: 4},
	"q": {kind: integer, width: 8, signed: true},
	"Q": {kind: integer, width: 8},

	"e":  {kind: float, width: 2},
	"f":  {kind: float, width: 4},
	"d":  {kind: float, width: 8},
	"Zf": {kind: complexNum, width: 8},
	"Zd": {kind: complexNum, width: 16},

	"{leb}":    {kind: varint, bits: []uint8{leb}, varies: true},
	"{sleb}":   {kind: varint, bits: []uint8{sleb}, varies: true, signed: true},
	"{zz}":     {kind: varint, bits: []uint8{zz}, varies: true, signed: true},
	"{vlq}":    {kind: varint, bits: []uint8{vlq}, varies: true},
	"{z}":      {kind: terminated, varies: true},
	"{ip4}":    {kind: ip4, width: 4},
	"{ip6}":    {kind: ip6, width: 16},
	"{mac}":    {kind: mac, width: 6},
	"{uuid}":   {kind: uuid, width: 16},
	"{time}":   {kind: instant, width: 4},
	"{time64}": {kind: instant, width: 8, signed: true},
	"{from}":   {kind: from},
	"{to}":     {kind: upTo},
}

// nativeCodes are the codes of struct that '@' adds or gives another size.
var nativeCodes = map[string]item{
	"l": {kind: integer, width: nativeLong, signed: true},
	"L": {kind: integer, width: nativeLong},
	"n": {kind: integer, width: nativeWord, signed: true},
	"N": {kind: integer, width: nativeWord},
	"P": {kind: integer, width: nativeWord, pointer: true},
}

// The forms of a varint, kept in the one element of item.bits.
const (
	leb  uint8 = iota // LEB128, unsigned
	sleb              // LEB128, sign-extended
	zz                // zigzag over LEB128, as protobuf's sint
	vlq               // most significant group first, as MIDI's
)

// become makes it an item like t and keeps its count, its place and its byte order.
func (it *item) become(t item) {
	t.Count, t.Rest, t.at, t.little = it.Count, it.Rest, it.at, it.little
	*it = t
}

// code reads one code of struct, or one in braces, into it.
func (p *parser) code(it *item) error {
	if p.peek() == '{' {
		return p.braces(it)
	}
	end := p.at + 1
	if p.peek() == 'Z' {
		end = min(end+1, len(p.text))
	}
	code := p.text[p.at:end]
	t, ok := nativeCodes[code]
	if !ok || !p.f.native {
		t, ok = codes[code]
	}
	if !ok {
		return p.badChar(p.at)
	}
	p.at = end
	it.become(t)
	it.align = it.width
	if it.kind == complexNum {
		it.align /= 2 // as its halves
	}
	if it.align == 8 {
		it.align = nativeWide
	}
	return nil
}

// braces reads an item such as {u24} or {bits 4,4,8}; blanks inside mean
// nothing.
func (p *parser) braces(it *item) error {
	start := p.at
	word, end := p.word()
	if end == start {
		return p.fail(start, "'{' without its '}'")
	}
	p.at = end
	text := p.text[start:end]
	word = strings.Join(strings.FieldsFunc(word, isBlank), "")
	digits, isConstant := strings.CutPrefix(word, "=")
	t, ok := codes["{"+word+"}"]
	switch sum, isSum := algorithms[word]; {
	case ok:
		it.become(t)
	case isSum:
		p.sum(it, sum)
	case isConstant:
		it.kind, it.width = constant, len(digits)/2
		var err error
		if it.text, err = hex.DecodeString(digits); err != nil {
			return p.fail(start, "constant is no whole bytes of hex: "+quote(text))
		}
	case !it.measured(word):
		return p.fail(start, "bad item in braces: "+quote(text))
	}
	it.align = max(it.align, 1)
	return nil
}

// sum makes the item it a checksum, or an integer if checksums are not verified.
func (p *parser) sum(it *item, sum *algorithm) {
	it.kind, it.width = checksum, sum.width
	if sum.inverted {
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

// measured reads the items that carry a number, and reports whether word is one: u24,
// i24, hex4, align4, bits4,4.
func (it *item) measured(word string) bool {
	if list, ok := strings.CutPrefix(word, "bits"); ok {
		list, it.lsb = strings.CutPrefix(list, "<")
		return it.bitWidths(list)
	}
	letters := strings.TrimRight(word, "0123456789")
	n, err := strconv.Atoi(word[len(letters):])
	if err != nil || n < 1 {
		return false
	}
	switch letters {
	case "align":
		it.kind, it.align = boundary, n
		return n <= 1<<20
	case "hex":
		// One element must have a size that an int can hold; more than a
		// gigabyte of digits is no field of a record.
		it.kind, it.width = hexBytes, n
		return n <= 1<<30
	case "u", "i":
		it.kind, it.width, it.signed = integer, n/8, letters == "i"
		return n <= 128 && n%8 == 0
	}
	return false
}

// bitWidths reads the widths of the fields of a bitfield.
func (it *item) bitWidths(list string) bool {
	sum := 0
	for part := range strings.SplitSeq(list, ",") {
		n, err := strconv.ParseUint(part, 10, 8)
		if sum += int(n); err != nil || n < 1 || sum > 64 {
			return false
		}
		it.bits = append(it.bits, uint8(n))
	}
	it.kind, it.width = bitfield, sum/8
	return sum == 8 || sum == 16 || sum == 32 || sum == 64
}
