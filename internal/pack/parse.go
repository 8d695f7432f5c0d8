package pack

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// deepest is how many groups may stand within each other.
const deepest = 16

// Parse compiles a format. Its error says where the format is wrong.
func Parse(text string) (*Format, error) { return parse(text, false) }

// ParseUnverified is Parse, but treats checksums as integers.
func ParseUnverified(text string) (*Format, error) { return parse(text, true) }

func parse(text string, unverified bool) (*Format, error) {
	p := parser{f: &Format{Text: text}, text: text, unverified: unverified}
	p.levels = append(p.levels, &p.f.sequence)
	p.order()
	err := p.items(-1)
	// An item in front of the error that is too large is reported first, as by Python.
	if tooLarge := p.lay(&p.f.sequence, 0); tooLarge != nil {
		err = tooLarge
	}
	if err != nil {
		return nil, err
	}
	p.f.sized = p.f.any((*item).computed)
	return p.f, nil
}

// A parser parses a format; at is its position.
type parser struct {
	f          *Format
	text       string
	at         int
	little     bool
	unverified bool
	dropped    bool        // within a group with the count 0, which is nothing
	levels     []*sequence // that are being read, the outermost first
}

// level is the sequence that is being read.
func (p *parser) level() *sequence { return p.levels[len(p.levels)-1] }

// fail is an error at the byte index at, in Python's wording where Python has one. Its
// position counts characters from 1.
func (p *parser) fail(at int, why string) error {
	return fmt.Errorf("%s at position %d of %s", why, utf8.RuneCountInString(p.text[:at])+1, quote(p.text))
}

// badChar is Python's error for an unknown character, with the character.
func (p *parser) badChar(at int) error {
	r, n := utf8.DecodeRuneInString(p.text[at:])
	s := string(r)
	if r == utf8.RuneError {
		s = p.text[at : at+n]
	}
	return p.fail(at, "bad char in struct format: "+quote(s))
}

func (p *parser) tooLong(at int) error { return p.fail(at, "total struct size too long") }

// order reads the first character; without one it is '!'.
func (p *parser) order() {
	if p.text != "" && strings.IndexByte("@=<>!", p.text[0]) >= 0 {
		p.at = 1
		p.f.native = p.text[0] == '@'
		p.little = isLittle(p.text[0])
	}
}

// isLittle reports whether an order character means the least significant byte
// first.
func isLittle(c byte) bool { return c == '<' || (c == '@' || c == '=') && nativeLittle }

// isSpace is C's isspace.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isBlank(r rune) bool { return r < utf8.RuneSelf && isSpace(byte(r)) }

func (p *parser) skipSpace() {
	for p.at < len(p.text) && isSpace(p.text[p.at]) {
		p.at++
	}
}

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// items reads the items of a level, which is the group that begins at start, or
// the format if that is negative.
func (p *parser) items(start int) error {
	s := p.level()
	begun := -1 // where the last {from} is, if no checksum came behind it
	for {
		p.skipSpace()
		switch {
		case p.at == len(p.text) && start >= 0:
			return p.fail(start, "'(' without its ')'")
		case p.at == len(p.text) || p.text[p.at] == ')' && start >= 0:
			if begun >= 0 {
				return p.fail(begun, "{from} without a checksum")
			}
			return nil
		case p.text[p.at] == ')':
			return p.fail(p.at, "')' without its '('")
		case len(s.items) > 0 && s.last().Rest:
			return p.fail(p.at, "item after the one that takes all that is left, "+quote("*"+s.last().Code)+",")
		}
		n := len(s.items)
		if err := p.item(s); err != nil {
			return err
		}
		if len(s.items) == n {
			continue
		}
		switch it := s.last(); {
		case p.unverified:
		case it.kind == from && begun >= 0:
			return p.fail(it.at, "{from} twice without a checksum")
		case it.kind == from:
			begun = it.at
		case it.kind == checksum:
			begun = -1
		}
	}
}

// item reads one item with its count and its name.
func (p *parser) item(s *sequence) error {
	it := item{Count: 1, at: p.at, little: p.little}
	counter, err := p.count(&it)
	if err != nil {
		return err
	}
	at := p.at
	if c, ok := p.newOrder(); ok {
		p.little = isLittle(c)
		if at > it.at {
			return p.fail(it.at, "'{"+string(c)+"}' takes no count")
		}
		return nil
	}
	if p.peek() == '(' {
		outer := p.dropped
		p.dropped = outer || it.Count == 0
		err = p.group(&it)
		p.dropped = outer
	} else {
		err = p.code(&it)
	}
	if err == nil && p.peek() == '/' {
		err = p.prefix(s, &it, counter, p.text[at:p.at])
	}
	if err != nil {
		return err
	}
	it.Code = cmp.Or(it.Code, p.text[at:p.at])
	if counter != nil {
		if err := p.refer(&it, counter); err != nil {
			return err
		}
	}
	if err := p.name(s, &it); err != nil {
		return err
	}
	if it.kind > constant && (it.Rest || it.Count != 1) {
		return p.fail(it.at, quote(it.Code)+" takes no count")
	}
	if it.kind == group && it.Count == 0 {
		return nil // nothing, wherever it stands
	}
	if it.kind == upTo {
		if err := p.endSum(s, &it); err != nil {
			return err
		}
	}
	s.items = append(s.items, it)
	return nil
}

// count reads the repeat count, the '*' in its place, or a reference to the
// integer that is the count.
func (p *parser) count(it *item) (*item, error) {
	start := p.at
	c := p.peek()
	switch {
	case c == '*' && len(p.levels) > 1:
		return nil, p.fail(start, "'*' within a group")
	case c == '*':
		it.Rest = true
		p.at++
	case c >= '0' && c <= '9':
		for c = p.peek(); c >= '0' && c <= '9'; c = p.peek() {
			p.at++
		}
		var err error
		if it.Count, err = strconv.ParseInt(p.text[start:p.at], 10, 64); err != nil {
			return nil, p.tooLong(start)
		}
	case c == '{':
		word, end := p.word()
		if name, ok := strings.CutPrefix(word, "#"); ok {
			p.at = end
			counter, err := p.find(name, start)
			if err == nil && p.at == len(p.text) {
				err = p.fail(start, "reference without an item that it counts")
			}
			return counter, err
		}
	}
	if p.at == len(p.text) && p.at > start {
		return nil, p.fail(start, "repeat count given without format specifier")
	}
	return nil, nil
}

// word returns the text in the braces that come next, and the index behind them. The
// text is empty if there is no closing brace.
func (p *parser) word() (string, int) {
	n := strings.IndexByte(p.text[p.at:], '}')
	if n < 0 {
		return "", p.at
	}
	return strings.TrimFunc(p.text[p.at+1:p.at+n], isBlank), p.at + n + 1
}

// newOrder reads {<} {>} {=} or {!}.
func (p *parser) newOrder() (byte, bool) {
	if p.peek() != '{' {
		return 0, false
	}
	word, end := p.word()
	if len(word) != 1 || strings.IndexByte("<>=!", word[0]) < 0 {
		return 0, false
	}
	p.at = end
	return word[0], true
}

// find returns the last integer of that name in front of the current item, in the same
// group or an enclosing one.
func (p *parser) find(name string, at int) (*item, error) {
	for i := len(p.levels) - 1; i >= 0; i-- {
		s := p.levels[i]
		for j := len(s.items) - 1; j >= 0; j-- {
			it := &s.items[j]
			if it.Name != name {
				continue
			}
			if it.kind != integer && it.kind != varint || it.pointer || it.Count != 1 {
				return nil, p.fail(at, "reference to "+quote(name)+", which is not one integer,")
			}
			return it, nil
		}
	}
	return nil, p.fail(at, "no integer named "+quote(name)+" in front of the reference")
}

// refer makes the integer counter the count of it. An item that is neither a string
// nor a group becomes a group.
func (p *parser) refer(it, counter *item) error {
	if p.dropped {
		unmarked := *counter
		counter = &unmarked
	}
	switch it.kind {
	case bytesOf:
		counter.isLength = true
	case pad:
	case pascal, constant, checksum, from, upTo, boundary:
		return p.fail(it.at, quote(it.Code)+" takes no count from elsewhere")
	default:
		counter.isCount = true
		if it.kind != group {
			inner := *it
			*it = item{Code: it.Code, Count: 1, at: it.at, kind: group, group: &sequence{items: []item{inner}}}
		}
	}
	if counter.slot == 0 && !p.dropped {
		p.f.slots++
		counter.slot = p.f.slots
	}
	it.counter, it.reference = counter.slot, counter.Name
	return nil
}

// group reads a group.
func (p *parser) group(it *item) error {
	start, little := p.at, p.little
	if len(p.levels) > deepest {
		return p.fail(start, "groups within each other, more than "+strconv.Itoa(deepest))
	}
	it.kind, it.group = group, new(sequence)
	p.levels = append(p.levels, it.group)
	p.at++
	if err := p.items(start); err != nil {
		return err
	}
	p.at++
	p.levels, p.little = p.levels[:len(p.levels)-1], little
	return nil
}

// prefix turns an integer of that code, followed by "/s", into a string with its length in
// front, and one followed by "/(" into a group that is counted by it.
func (p *parser) prefix(s *sequence, it, counter *item, code string) error {
	next := byte(0)
	if p.at+1 < len(p.text) {
		next = p.text[p.at+1]
	}
	if it.kind != integer && it.kind != varint || it.pointer || next != 's' && next != '(' {
		return p.badChar(p.at)
	}
	length := *it
	length.Count, length.Rest, length.Code = 1, false, code
	if next == 's' {
		p.at += 2
		*it = item{Count: it.Count, Rest: it.Rest, kind: prefixed, at: it.at, length: &length, varies: true, align: length.align}
		return nil
	}
	if it.Count != 1 || it.Rest || counter != nil {
		return p.fail(it.at, "count in front of a group that has its own")
	}
	p.at++
	length.Code += "/"
	*it = item{Count: 1, at: p.at}
	at := p.at
	if err := p.group(it); err != nil {
		return err
	}
	it.Code = p.text[at:p.at]
	if err := p.refer(it, &length); err != nil {
		return err
	}
	s.items = append(s.items, length)
	return nil
}

// endSum makes the checksum in front of a {to} reach to it.
func (p *parser) endSum(s *sequence, end *item) error {
	if p.unverified {
		return nil
	}
	for i := len(s.items) - 1; i >= 0; i-- {
		it := &s.items[i]
		if it.kind == checksum && !it.to {
			it.to = true
			end.sum = it.sum
			return nil
		}
		if it.kind == upTo || isCheck(it) || it.kind == group && it.group.any(isCheck) {
			break
		}
	}
	return p.fail(end.at, "{to} without a checksum in front of it")
}

// isCheck reports whether it is a checksum, or where one begins.
func isCheck(it *item) bool { return it.kind == checksum || it.kind == from }

// name reads a name in colons.
func (p *parser) name(s *sequence, it *item) error {
	at := p.at
	p.skipSpace()
	if p.peek() != ':' {
		p.at = at
		return nil
	}
	start := p.at
	name, _, ok := strings.Cut(p.text[start+1:], ":")
	switch {
	case !ok:
		return p.fail(start, "name without its closing ':'")
	case name == "":
		return p.fail(start, "empty name")
	case !utf8.ValidString(name):
		return p.fail(start, "name "+quote(name)+" is not UTF-8") // JSON could not carry it
	}
	it.Name = name
	if slices.ContainsFunc(s.items, func(other item) bool { return other.Name == name }) {
		return p.fail(start, "name "+quote(name)+" given twice")
	}
	p.at += len(name) + 2
	return nil
}
