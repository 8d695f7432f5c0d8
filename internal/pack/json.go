package pack

import (
	"bytes"
	"strconv"
)

// parseJSON reads the values of one record: an array of them, or an object with
// their names. It appends to fields what a line of text would have, the counts of
// groups among them.
func (e *Encoder) parseJSON(line []byte, s *scratch) ([]field, error) {
	s.text, s.members = s.text[:0], s.members[:0]
	if len(s.places) < e.f.slots {
		s.places = make([]place, e.f.slots)
	}
	p := &s.json
	p.b, p.i, p.s, p.fields = line, 0, s, s.fields[:0]
	var err error
	switch p.next() {
	case '[', '{':
		err = p.level(&e.f.sequence, e.o.Names, e.f.Text)
	default:
		err = p.fail("want an array or an object")
	}
	if err == nil && p.next() != 0 {
		err = p.fail("more behind the record")
	}
	return p.fields, err
}

// A place is where the integer that counts a list is among the fields.
type place struct {
	field int  // its index
	set   bool // a list has been counted
}

// A member is the place in the line of the value of an item, or of a name.
type member struct{ start, end int }

// level reads the items of s: an array, or an object whose members have the names
// of the items, or of the values if names is not nil.
func (p *jsonParser) level(s *sequence, names []string, text string) error {
	if p.next() == '[' {
		return p.array(s)
	}
	if names == nil && !s.named {
		return dataf("JSON object, but the values of %s have no names", quote(text))
	}
	o := object{p: p, s: s, names: names, base: len(p.s.members)}
	defer func() { p.s.members = p.s.members[:o.base] }()
	return o.read()
}

// An object is a JSON object whose members are read in the order of the items.
type object struct {
	p     *jsonParser
	s     *sequence
	names []string
	base  int // of its members in the scratch: one for each item, or for each name
	next  int // the first of them that has not been read
}

// read reads the object. Members in the order of the items are read at once;
// others are skipped, and read when it is their turn.
func (o *object) read() error {
	p := o.p
	n := len(o.s.items)
	if o.names != nil {
		n = len(o.names)
	}
	p.s.members = append(p.s.members, make([]member, n)...)
	p.i++
	for first := true; p.next() != '}'; first = false {
		if !first && !p.take(',') {
			return p.fail("want ',' or '}'")
		}
		p.next()
		text := len(p.s.text)
		name, err := p.string()
		if err != nil {
			return err
		}
		p.s.text = p.s.text[:text]
		i := o.s.member(name, o.names)
		if i < 0 {
			return dataf("no value is named %s", shown(name))
		}
		m := &p.s.members[o.base+i]
		if m.start > 0 {
			return dataf("%s given twice", shown(name))
		}
		if p.next(); !p.take(':') {
			return p.fail("want ':'")
		}
		p.next()
		m.start = p.i
		if o.turn(n); i == o.next {
			if err := o.member(i); err != nil {
				return err
			}
			continue
		}
		p.skip()
		m.end = p.i
	}
	end := p.i + 1
	for o.turn(n); o.next < n; o.turn(n) {
		m := p.s.members[o.base+o.next]
		if m.start == 0 {
			return dataf("no value for %s", quote(o.name(o.next)))
		}
		p.i = m.start
		if err := o.member(o.next); err != nil {
			return err
		}
		if p.next(); p.i != m.end {
			return p.fail("want ',' or '}'")
		}
	}
	p.i = end
	return nil
}

// turn moves on to the next member, over items that have none.
func (o *object) turn(n int) {
	for ; o.names == nil && o.next < n; o.next++ {
		it := &o.s.items[o.next]
		if it.counts {
			o.p.place(it)
		} else if it.isMember() {
			return
		}
	}
}

func (o *object) name(i int) string {
	if o.names != nil {
		return o.names[i]
	}
	return o.s.items[i].Name
}

// member reads the value of the member i.
func (o *object) member(i int) error {
	o.next++
	if o.names != nil {
		return o.p.one()
	}
	return o.p.member(&o.s.items[i])
}

// isMember reports whether the item is a member of an object.
func (it *item) isMember() bool {
	return it.columns() > 0 || it.Rest && it.perElement > 0
}

// member is the index of the value, or of the item, with a name; -1 if there is none.
func (s *sequence) member(name []byte, names []string) int {
	for i := range names {
		if names[i] == string(name) {
			return i
		}
	}
	for i := range s.items {
		if it := &s.items[i]; names == nil && it.Name == string(name) && it.isMember() {
			return i
		}
	}
	return -1
}

// skip goes to the ',' or '}' behind a value without checking the value.
func (p *jsonParser) skip() {
	for depth := 0; p.i < len(p.b); p.i++ {
		switch c := p.b[p.i]; {
		case c == '[' || c == '{':
			depth++
		case depth == 0 && (c == ',' || c == ']' || c == '}'):
			return
		case c == ']' || c == '}':
			depth--
		case c == '"':
			for p.i++; p.i < len(p.b) && p.b[p.i] != '"'; p.i++ {
				if p.b[p.i] == '\\' {
					p.i++
				}
			}
		}
	}
}

// member reads the value of a member, which is that of an item.
func (p *jsonParser) member(it *item) error {
	switch {
	case it.kind == group:
		return p.group(it)
	case !it.several():
		return p.one()
	case p.next() != '[':
		return p.fail("want an array for " + quote(it.Name))
	}
	at := len(p.fields)
	if err := p.values(); err != nil {
		return err
	}
	if got, want := int64(len(p.fields)-at), it.columns(); got != want && !it.Rest {
		return dataf("%s: pack expected %d items for packing (got %d)", quote(it.Name), want, got)
	}
	return nil
}

// array reads the items of s in an array.
func (p *jsonParser) array(s *sequence) error {
	if !s.grouped {
		return p.flat(s)
	}
	p.i++
	if err := p.items(s); err != nil {
		return err
	}
	if p.next() != ']' {
		return p.fail("want ']'")
	}
	p.i++
	return nil
}

// items reads the items of s, without the brackets around them.
func (p *jsonParser) items(s *sequence) error {
	first := true
	for i := range s.items {
		it := &s.items[i]
		if it.counts {
			p.place(it)
			continue
		}
		for n := it.columns(); n > 0 || it.Rest; n-- {
			if p.next() == ']' {
				if it.Rest && it.kind != group {
					break
				}
				return p.fail("too few values")
			}
			if !first && !p.take(',') {
				return p.fail("want ',' or ']'")
			}
			first = false
			p.next()
			if it.kind == group {
				if err := p.group(it); err != nil {
					return err
				}
				break
			}
			if err := p.one(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flat reads an array of values. A wrong number of them would take those of the next
// element, or leave it its own.
func (p *jsonParser) flat(s *sequence) error {
	at := len(p.fields)
	if err := p.values(); err != nil {
		return err
	}
	if got := int64(len(p.fields) - at); got != s.values && !s.open {
		return dataf("pack expected %d items for packing (got %d)", s.values, got)
	}
	return nil
}

// group reads the elements of a group.
func (p *jsonParser) group(it *item) error {
	if p.next() != '[' {
		return p.fail("want an array of groups")
	}
	p.i++
	n := int64(0)
	for ; p.next() != ']'; n++ {
		if n > 0 && !p.take(',') {
			return p.fail("want ',' or ']'")
		}
		p.next()
		if err := p.element(it.group, it.Code); err != nil {
			if e, ok := err.(*DataError); ok {
				e.Why = groupPlace(n+1, -1) + e.Why
			}
			return err
		}
	}
	p.i++
	switch {
	case it.counter > 0:
		return p.counted(it.counter-1, n)
	case it.Count != n && !it.Rest:
		return dataf("%s: pack expected %d groups for packing (got %d)", quote(it.Code), it.Count, n)
	}
	return nil
}

// element reads one element of a group.
func (p *jsonParser) element(s *sequence, text string) error {
	if s.bare {
		return p.items(s)
	}
	if c := p.next(); c != '[' && c != '{' {
		return p.fail("want an array or an object")
	}
	return p.level(s, nil, text)
}

// place makes a field for an integer that counts the elements of a list.
func (p *jsonParser) place(it *item) {
	p.s.places[it.slot-1] = place{field: len(p.fields)}
	p.fields = append(p.fields, field{text: zero, kind: jsonCount})
}

var zero = []byte("0")

// counted sets the integer that counts a list of n elements.
func (p *jsonParser) counted(slot int, n int64) error {
	at := len(p.s.text)
	p.s.text = strconv.AppendInt(p.s.text, n, 10)
	text := p.s.text[at:]
	place := &p.s.places[slot]
	f := &p.fields[place.field]
	if place.set && !bytes.Equal(f.text, text) {
		return dataf("lists of %s and %s elements refer to one count", f.text, text)
	}
	place.set, f.text = true, text
	return nil
}

// one reads one value of the record.
func (p *jsonParser) one() error {
	v, err := p.value()
	if err != nil {
		return atValue(err, int64(len(p.fields)+1))
	}
	p.fields = append(p.fields, v)
	return nil
}

// values reads an array of values.
func (p *jsonParser) values() error {
	p.i++
	for first := true; p.next() != ']'; first = false {
		if !first && !p.take(',') {
			return p.fail("want ',' or ']'")
		}
		if err := p.one(); err != nil {
			return err
		}
	}
	p.i++
	return nil
}
